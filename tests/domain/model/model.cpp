#include "tests/domain/model/model.hpp"

#include <algorithm>

namespace kontor::tests {
namespace {

constexpr Errc kNone = Errc::none, kInvalid = Errc::invalid_argument;

std::string text(const auto& name) { return std::string(name.view()); }

}  // namespace

void Model::move(Effects& out, const AccountId& from, AccountKind from_kind, const AccountId& to, AccountKind to_kind,
                 Money amount) const {
  if (from == to || amount.minor < 1) return void(out.refusal = kInvalid);
  out.currency = amount.currency.number;
  out.money[text(from)] = {-amount.minor, from_kind};
  out.money[text(to)] = {amount.minor, to_kind};
}

void Model::stock(Effects& out, const std::vector<StockLine>& lines, Kind kind) const {
  for (const StockLine& line : lines) {
    if (line.quantity == 0 || (line.quantity < 0 && kind == Kind::receive)) return void(out.refusal = kInvalid);
    Need& need = out.stock[text(line.sku)];
    need.units += line.quantity;
    need.kind = kind;
  }
  for (const auto& [unused, need] : out.stock)
    if (need.units == 0) out.refusal = kInvalid;
}

/// What each payee is due for what was not given back.
std::vector<Minor> Model::due(const Sale& sale) {
  std::vector<Minor> out(sale.payees.size(), 0);
  for (const SaleLine& line : sale.lines) out[line.payee] += line.price * (line.bought - line.refunded);
  return out;
}

/// Moves the money between two states of a sale: each payee's gross less its own fee, rounded down.
void Model::charge(Effects& out, const Sale& sale, const std::vector<Minor>& from, const std::vector<Minor>& to) {
  const auto fee = [&](Minor gross) { return gross * sale.basis_points / 10'000; };
  out.currency = sale.currency;
  out.money[sale.customer];
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Minor fees = sale.fee_account.empty() ? 0 : fee(to[i]) - fee(from[i]);
    out.money[sale.customer].amount -= to[i] - from[i];
    out.money[sale.payees[i]].amount += to[i] - from[i] - fees;
    if (!sale.fee_account.empty()) out.money[sale.fee_account].amount += fees;
  }
}

void Model::checkout(Effects& out, const Checkout& op) const {
  Sale sale{text(op.customer), text(op.fee.account), {}, {}, op.currency.number, op.fee.basis_points};
  for (const AccountId& payee : op.payees) {
    sale.payees.push_back(text(payee));
    if (payee == op.customer) out.refusal = kInvalid;
  }
  if (op.fee.account == op.customer) out.refusal = kInvalid;
  if (out.refusal != kNone) return;
  bool contradicts = false;
  for (const Line& line : op.lines) {
    const std::string sku = text(line.sku);
    Minor price = line.unit_price;
    std::uint32_t version = line.expected_version;
    if (line.quantity < 1) return void(out.refusal = kInvalid);
    if (price == kCatalogPrice) {
      const auto it = listed_.find(sku);
      if (it == listed_.end()) return void(out.refusal = Errc::unknown_sku);
      if (it->second.currency != sale.currency) return void(out.refusal = Errc::currency_mismatch);
      if (version != 0 && version != it->second.version) return void(out.refusal = Errc::price_changed);
      price = it->second.price;
      version = it->second.version;
    }
    sale.lines.push_back({sku, line.quantity, 0, 0, price, line.payee});
    Need& need = out.stock[sku];
    need.units += line.quantity;
    need.currency = sale.currency;
    if (need.version == 0) need.version = version;
    contradicts = contradicts || (version != 0 && version != need.version);
  }
  if (contradicts) return void(out.refusal = kInvalid);
  charge(out, sale, std::vector<Minor>(sale.payees.size(), 0), due(sale));
  out.sale = std::move(sale);
}

void Model::unmatched(Effects& out, const UnmatchedRefund& op) const {
  if (op.customer == op.payee) return void(out.refusal = kInvalid);
  out.currency = op.currency.number;
  Minor total = 0;
  for (const ReturnLine& line : op.lines) {
    if (line.quantity < 1) return void(out.refusal = kInvalid);
    total += line.quantity * line.unit_price;
    Need& need = out.stock[text(line.sku)];
    need.units += line.quantity;
    need.kind = Kind::take_back;
    need.currency = out.currency;
  }
  out.money[text(op.customer)] = {total, AccountKind::wallet};
  out.money[text(op.payee)] = {-total, AccountKind::wallet};
}

void Model::reserve(Effects& out, const Reserve& op, std::int64_t now) const {
  checkout(out, op.checkout);
  if (out.refusal != kNone) return;
  for (auto& [unused, leg] : out.money) leg.amount = 0;
  for (auto& [unused, need] : out.stock) need.kind = Kind::reserve;
  out.sale->status = OrderStatus::reserved;
  out.sale->expires = op.expires_in_ns != 0 ? now + op.expires_in_ns : op.expires_at_ns;
  if (out.sale->expires <= now) out.refusal = Errc::reservation_expired;
}

/// As it was at the last refresh; what has begun since is as it began.
std::optional<Model::Sale> Model::remembered(const OrderId& order) const {
  const auto known = sales.find(order.sequence);
  if (order.shard != 0 || order.incarnation != 1 || known == sales.end()) return {};
  if (const auto old = remembered_.find(order.sequence); old != remembered_.end()) return old->second;
  Sale sale = known->second;
  sale.version = 1, sale.status = sale.expires != 0 ? OrderStatus::reserved : OrderStatus::placed;
  for (SaleLine& line : sale.lines) line.refunded = line.fulfilled = 0;
  return sale;
}

void Model::end(Effects& out, const OrderId& order, OrderStatus becomes, std::int64_t now) const {
  const auto sale = remembered(order);
  if (!sale) return void(out.refusal = Errc::unknown_order);
  const bool redeems = becomes == OrderStatus::placed;
  out.amends = order.sequence;
  out.amended_version = sale->version;
  out.becomes = becomes;
  if (redeems && sale->status == OrderStatus::expired) return void(out.refusal = Errc::reservation_expired);
  if (sale->status != OrderStatus::reserved) return void(out.refusal = Errc::order_state);
  if (redeems && now >= sale->expires) return void(out.refusal = Errc::reservation_expired);
  if (becomes == OrderStatus::expired && now < sale->expires) return void(out.refusal = Errc::order_state);
  for (const SaleLine& line : sale->lines) {
    Need& need = out.stock[line.sku];
    need.units += line.bought;
    need.kind = redeems ? Kind::redeem : Kind::release;
  }
  if (redeems) charge(out, *sale, std::vector<Minor>(sale->payees.size(), 0), due(*sale));
}

/// `what`: 'c'ancel, 'r'efund or 'f'ulfil. `lines`: nullptr or none for all that is left.
void Model::amendment(Effects& out, const OrderId& order, const std::vector<OrderLine>* lines, char what,
                      bool restock) const {
  const auto known = remembered(order);
  if (!known) return void(out.refusal = Errc::unknown_order);
  Sale sale = *known;
  out.amends = order.sequence;
  out.amended_version = sale.version;
  if (sale.status != OrderStatus::placed) return void(out.refusal = Errc::order_state);
  std::vector<OrderLine> named = lines ? *lines : std::vector<OrderLine>{};
  const auto left = [&](const SaleLine& line) {
    if (what == 'c') return line.bought;
    const Units kept = line.bought - line.refunded;
    return what == 'r' ? kept : std::max<Units>(0, kept - line.fulfilled);
  };
  if (named.empty())
    for (std::uint32_t i = 0; i < sale.lines.size(); ++i)
      if (left(sale.lines[i]) > 0) named.push_back({i, left(sale.lines[i])});
  if (named.empty()) return void(out.refusal = Errc::exceeds_order);
  std::sort(named.begin(), named.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
  const std::vector<Minor> before = due(sale);
  for (const OrderLine& line : named) {
    if (out.lines.contains(line.line) || line.line >= sale.lines.size() || line.quantity < 1)
      return void(out.refusal = kInvalid);
    SaleLine& of = sale.lines[line.line];
    if (what == 'c' && of.refunded + of.fulfilled > 0) return void(out.refusal = Errc::order_state);
    if (line.quantity > left(of)) return void(out.refusal = Errc::exceeds_order);
    out.lines[line.line] = {what == 'f' ? 0 : line.quantity, what == 'f' ? line.quantity : 0};
    if (what == 'f') continue;
    of.refunded += line.quantity;
    if (!restock) continue;
    Need& need = out.stock[of.sku];
    need.units += line.quantity;
    need.kind = Kind::take_back;
  }
  if (what == 'c') out.becomes = OrderStatus::cancelled;
  if (what != 'f') charge(out, sale, before, due(sale));
}

Model::Effects Model::effects_of(const Operation& operation, std::int64_t now) const {
  constexpr auto kWallet = AccountKind::wallet, kExternal = AccountKind::external;
  Effects out;
  if (const auto* op = std::get_if<OpenAccount>(&operation)) {
    out.opens = {text(op->account), Wallet{op->kind, op->currency.number, op->credit_limit, 0}};
  } else if (const auto* deposit = std::get_if<Deposit>(&operation)) {
    move(out, deposit->external, kExternal, deposit->account, kWallet, deposit->amount);
  } else if (const auto* withdraw = std::get_if<Withdraw>(&operation)) {
    move(out, withdraw->account, kWallet, withdraw->external, kExternal, withdraw->amount);
  } else if (const auto* transfer = std::get_if<Transfer>(&operation)) {
    move(out, transfer->source, kWallet, transfer->target, kWallet, transfer->amount);
  } else if (const auto* define = std::get_if<DefineProduct>(&operation)) {
    Item item;
    item.currency = define->price.currency.number, item.price = define->price.minor;
    out.defines = {text(define->sku), item};
  } else if (const auto* price = std::get_if<SetPrice>(&operation)) {
    out.prices = {text(price->sku), price->price};
    out.priced_version = price->expected_version;
  } else if (const auto* receive = std::get_if<ReceiveStock>(&operation)) {
    stock(out, receive->lines, Kind::receive);
  } else if (const auto* adjust = std::get_if<AdjustStock>(&operation)) {
    stock(out, adjust->lines, Kind::adjust);
  } else if (const auto* sale = std::get_if<Checkout>(&operation)) {
    checkout(out, *sale);
  } else if (const auto* cancel = std::get_if<Cancel>(&operation)) {
    amendment(out, cancel->order, nullptr, 'c', true);
  } else if (const auto* refund = std::get_if<Refund>(&operation)) {
    amendment(out, refund->order, &refund->lines, 'r', refund->restock);
  } else if (const auto* fulfil = std::get_if<Fulfil>(&operation)) {
    amendment(out, fulfil->order, &fulfil->lines, 'f', false);
  } else if (const auto* back = std::get_if<UnmatchedRefund>(&operation)) {
    unmatched(out, *back);
  } else if (const auto* later = std::get_if<Reserve>(&operation)) {
    reserve(out, *later, now);
  } else if (const auto* redeem = std::get_if<Redeem>(&operation)) {
    end(out, redeem->order, OrderStatus::placed, now);
  } else if (const auto* release = std::get_if<Release>(&operation)) {
    const bool asked = release->reason == ReleaseReason::asked;
    end(out, release->order, asked ? OrderStatus::released : OrderStatus::expired, now);
  }
  return out;
}

Minor Model::promised_money(const std::string& account, bool debits) const {
  Minor sum = 0;
  for (const auto& [unused, effects] : open_) {
    const auto it = effects.money.find(account);
    if (it == effects.money.end() || (it->second.amount < 0) != debits) continue;
    sum += debits ? -it->second.amount : it->second.amount;
  }
  return sum;
}

Model::Way Model::Need::way() const {
  if (kind == Kind::redeem || kind == Kind::release) return Way::from_reserved;
  return kind == Kind::sell || kind == Kind::reserve || units < 0 ? Way::out : Way::in;
}

Units Model::promised_units(const std::string& sku, Way way) const {
  Units sum = 0;
  for (const auto& [unused, effects] : open_) {
    const auto it = effects.stock.find(sku);
    if (it == effects.stock.end()) continue;
    if (it->second.way() == way) sum += it->second.units < 0 ? -it->second.units : it->second.units;
  }
  return sum;
}

bool Model::pricing(const std::string& sku) const {
  return std::any_of(open_.begin(), open_.end(),
                     [&](const auto& open) { return open.second.prices && open.second.prices->first == sku; });
}

bool Model::amending(std::uint64_t sale) const {
  return std::any_of(open_.begin(), open_.end(), [&](const auto& open) { return open.second.amends == sale; });
}

Errc Model::order_says(const Effects& effects) const {
  for (const auto& [unused, other] : open_)
    if (other.key == effects.key)
      return other.body == effects.body ? Errc::request_in_progress : Errc::idempotency_key_reused;
  if (!effects.amends || effects.refusal != kNone) return kNone;
  if (amending(*effects.amends)) return Errc::conflict;
  if (sales.at(*effects.amends).version != effects.amended_version) return Errc::conflict;
  return kNone;
}

Errc Model::inventory_says(const Effects& effects) const {
  const auto is_opening = [&](const std::string& sku) {
    return std::any_of(open_.begin(), open_.end(),
                       [&](const auto& open) { return open.second.defines && open.second.defines->first == sku; });
  };
  if (effects.defines) {
    if (items.contains(effects.defines->first)) return Errc::already_exists;
    return is_opening(effects.defines->first) ? Errc::conflict : kNone;
  }
  if (effects.prices) {
    const auto it = items.find(effects.prices->first);
    if (it == items.end()) return Errc::unknown_sku;
    if (effects.priced_version != 0 && effects.priced_version != it->second.version) return Errc::price_changed;
    if (effects.prices->second.currency.number != it->second.currency) return Errc::currency_mismatch;
    return pricing(effects.prices->first) ? Errc::conflict : kNone;
  }
  for (const auto& [sku, need] : effects.stock) {
    const auto it = items.find(sku);
    if (it == items.end()) return Errc::unknown_sku;
    if (need.version != 0 && need.version != it->second.version) return Errc::price_changed;
    if (need.currency != 0 && need.currency != it->second.currency) return Errc::currency_mismatch;
    const Item& item = it->second;
    const Units units = need.units < 0 ? -need.units : need.units;
    if (need.way() == Way::out && item.on_hand - item.reserved - promised_units(sku, Way::out) < units)
      return Errc::out_of_stock;
    if (need.way() == Way::from_reserved && item.reserved - promised_units(sku, Way::from_reserved) < units)
      return Errc::conflict;
  }
  return kNone;
}

Errc Model::payment_says(const Effects& effects) const {
  if (effects.opens) {
    if (wallets.contains(effects.opens->first)) return Errc::already_exists;
    const bool opening = std::any_of(open_.begin(), open_.end(), [&](const auto& open) {
      return open.second.opens && open.second.opens->first == effects.opens->first;
    });
    return opening ? Errc::conflict : kNone;
  }
  for (const auto& [name, leg] : effects.money) {
    const auto it = wallets.find(name);
    if (it == wallets.end()) return Errc::unknown_account;
    if (it->second.currency != effects.currency) return Errc::currency_mismatch;
    if (it->second.kind != leg.kind) return Errc::account_kind;
    if (leg.amount >= 0 || leg.kind == AccountKind::external) continue;
    if (it->second.balance + it->second.limit - promised_money(name, true) + leg.amount < 0)
      return Errc::insufficient_funds;
  }
  return kNone;
}

Model::Expected Model::begin(std::uint64_t sequence, const Request& request, std::uint64_t body, std::int64_t now) {
  Effects effects = effects_of(request.operation, now);
  effects.key = text(request.key);
  effects.body = body;
  const auto kind = kind_of(request.operation);
  const bool amends = kind == OperationKind::cancel || kind == OperationKind::refund || kind == OperationKind::fulfil ||
                      kind == OperationKind::redeem || kind == OperationKind::release;
  if (effects.refusal != kNone && effects.refusal != Errc::reservation_expired && !amends) return {effects.refusal, {}};
  if (const auto it = used_.find(effects.key); it != used_.end()) {
    if (it->second.body != body) return {Errc::idempotency_key_reused, {}};
    return {kNone, it->second.sequence};
  }
  for (const Errc code : {order_says(effects), effects.refusal, inventory_says(effects), payment_says(effects)})
    if (code != kNone) return {code, {}};
  open_.emplace(sequence, std::move(effects));
  return {};
}

void Model::settle(std::uint64_t sequence, bool commit) {
  const auto it = open_.find(sequence);
  if (it == open_.end()) return;
  const Effects effects = std::move(it->second);
  open_.erase(it);
  if (!commit) return;
  used_[effects.key] = {sequence, effects.body};
  if (effects.opens) wallets.insert(*effects.opens);
  if (effects.defines) items.insert(*effects.defines);
  if (effects.prices) {
    Item& item = items.at(effects.prices->first);
    item.price = effects.prices->second.minor;
    ++item.version;
  }
  for (const auto& [name, leg] : effects.money) wallets.at(name).balance += leg.amount;
  for (const auto& [sku, need] : effects.stock) {
    Item& item = items.at(sku);
    if (need.kind == Kind::sell || need.kind == Kind::redeem) item.on_hand -= need.units, item.sold += need.units;
    if (need.kind == Kind::reserve) item.reserved += need.units;
    if (need.way() == Way::from_reserved) item.reserved -= need.units;
    if (need.kind == Kind::take_back || need.kind == Kind::receive || need.kind == Kind::adjust)
      item.on_hand += need.units;
    if (need.kind == Kind::take_back) item.returned += need.units;
    if (need.kind == Kind::receive) item.received += need.units;
    if (need.kind == Kind::adjust) item.adjusted += need.units;
  }
  if (effects.sale) sales[sequence] = *effects.sale;
  if (!effects.amends) return;
  Sale& sale = sales.at(*effects.amends);
  ++sale.version;
  sale.status = effects.becomes.value_or(sale.status);
  for (const auto& [line, units] : effects.lines) {
    sale.lines[line].refunded += units.first;
    sale.lines[line].fulfilled += units.second;
  }
}

void Model::refresh() {
  listed_ = items;
  remembered_ = sales;
}

}  // namespace kontor::tests
