// Random sequences of all operations, many of them open at once, through planning, votes, promises and decisions: the
// machines against the model, invariant 7 of DESIGN at every step.
#include "tests/domain/model/model.hpp"

#include <set>

#include "tests/domain/model/shop.hpp"
#include "tests/support/property.hpp"

namespace kontor::tests {
namespace {

/// What a run does next, and the numbers that it is made from.
struct Step {
  unsigned what = 0, seed = 0;
};
std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << '{' << step.what << ", " << step.seed << '}';
}

rc::Gen<std::vector<Step>> any_steps() {
  return rc::gen::scale(3, rc::gen::container<std::vector<Step>>(
                               rc::gen::build<Step>(rc::gen::set(&Step::what, rc::gen::inRange(0u, 100u)),
                                                    rc::gen::set(&Step::seed, rc::gen::arbitrary<unsigned>()))));
}

/// Numbers drawn from one seed: the same step is the same request, wherever it stands.
class Draw {
 public:
  explicit Draw(unsigned seed) : state_(seed * 0x9e37'79b9'7f4a'7c15u + 1) {}
  unsigned below(unsigned count) {
    state_ ^= state_ << 13, state_ ^= state_ >> 7, state_ ^= state_ << 17;
    return static_cast<unsigned>((state_ >> 33) % count);
  }
  bool one_in(unsigned count) { return below(count) == 0; }
  Minor amount(unsigned most) { return 1 + below(most); }
  Units units() { return one_in(30) ? 0 : 1 + below(5); }
  AccountId wallet() {
    if (one_in(40)) return account("nobody");
    if (one_in(30)) return account(one_in(2) ? "zoe" : "bank");
    return account(std::string("w") + static_cast<char>('0' + below(5)));
  }
  AccountId external() { return account(one_in(30) ? "w0" : "bank"); }
  Sku product() {
    if (one_in(30)) return sku(one_in(2) ? "nothing" : "tasse");
    return sku(std::string("s") + static_cast<char>('0' + below(4)));
  }
  Money money(unsigned most) { return one_in(40) ? eur(amount(most)) : gbp(amount(most)); }

 private:
  std::uint64_t state_;
};

Checkout any_purchase(Draw& draw) {
  Checkout out;
  out.customer = draw.wallet();
  out.currency = draw.one_in(30) ? kEur : kGbp;
  for (unsigned payees = 1 + draw.below(3); payees > 0; --payees) out.payees.push_back(draw.wallet());
  for (unsigned lines = 1 + draw.below(4); lines > 0; --lines) {
    Line line{draw.product(), draw.units()};
    if (draw.one_in(2)) line.unit_price = draw.below(40);
    if (draw.one_in(6)) line.expected_version = 1 + draw.below(3);
    line.payee = static_cast<std::uint8_t>(draw.below(static_cast<unsigned>(out.payees.size())));
    out.lines.push_back(line);
  }
  if (draw.one_in(2)) out.fee = {draw.wallet(), static_cast<std::uint16_t>(draw.below(10'001))};
  return out;
}

std::vector<OrderLine> any_lines(Draw& draw) {
  std::vector<OrderLine> out;
  for (unsigned lines = draw.below(3); lines > 0; --lines) out.push_back({draw.below(4), draw.units()});
  return out;
}

std::vector<StockLine> any_stock(Draw& draw, bool negative) {
  std::vector<StockLine> out;
  for (unsigned lines = 1 + draw.below(3); lines > 0; --lines)
    out.push_back({draw.product(), negative && draw.one_in(2) ? -draw.units() : draw.units()});
  return out;
}

Operation any_request(Draw& draw, const Model& model) {
  const auto order = [&]() -> OrderId {
    if (model.sales.empty() || draw.one_in(30)) return {0, 1, 999'999};
    const auto at = draw.below(static_cast<unsigned>(model.sales.size()));
    return {0, 1, std::next(model.sales.begin(), at)->first};
  };
  const auto extra = [&](const char* what) { return what + std::to_string(draw.below(6)); };
  // Time goes by one with each request.
  const auto expiring = [&](Operation reserve) {
    std::get<Reserve>(reserve).expires_in_ns = 1 + draw.below(40);
    return reserve;
  };
  switch (draw.below(28)) {
    case 0: return OpenAccount{account(extra("x")), kGbp, AccountKind::wallet, draw.below(50)};
    case 1:
    case 2: return Deposit{draw.external(), draw.wallet(), draw.money(300)};
    case 3: return Withdraw{draw.wallet(), draw.external(), draw.money(200)};
    case 4: return Transfer{draw.wallet(), draw.wallet(), draw.money(200)};
    case 5: return DefineProduct{sku(extra("p")), gbp(draw.below(30))};
    case 6: return SetPrice{draw.product(), draw.money(30), draw.one_in(2) ? 1 + draw.below(3) : 0};
    case 7:
    case 8: return ReceiveStock{any_stock(draw, false)};
    case 9: return AdjustStock{any_stock(draw, true)};
    case 10: return Cancel{order()};
    case 11:
    case 12:
    case 13: return Refund{order(), any_lines(draw), draw.one_in(2)};
    case 14:
    case 15: return Fulfil{order(), any_lines(draw)};
    case 16:
      return UnmatchedRefund{draw.wallet(), draw.wallet(), kGbp, {{draw.product(), draw.units(), draw.below(9)}}};
    case 17: return expiring(Reserve{any_purchase(draw)});
    case 18: return Reserve{any_purchase(draw), 1 + draw.below(120)};
    case 19:
    case 20: return Redeem{order()};
    case 21: return Release{order(), ReleaseReason::asked};
    case 22: return Release{order(), ReleaseReason::expired};
    default: return any_purchase(draw);
  }
}

/// Shop and model side by side.
class Run {
 public:
  Run() {
    must(OpenAccount{account("bank"), kGbp, AccountKind::external, 0});
    must(OpenAccount{account("zoe"), kEur, AccountKind::wallet, 100});
    must(DefineProduct{sku("tasse"), eur(7)});
    for (char i = '0'; i < '5'; ++i) {
      const AccountId wallet = account(std::string("w") + i);
      must(OpenAccount{wallet, kGbp, AccountKind::wallet, i == '4' ? 50 : 0});
      must(Deposit{account("bank"), wallet, gbp(400)});
    }
    for (char i = '0'; i < '4'; ++i) {
      must(DefineProduct{sku(std::string("s") + i), gbp(5 + i - '0')});
      must(ReceiveStock{{{sku(std::string("s") + i), 15}}});
    }
    refresh();
  }

  void take(const Step& step) {
    Draw draw(step.seed);
    const unsigned open = static_cast<unsigned>(open_.size());
    if (step.what < 45 || open == 0) {
      begin({key("k" + std::to_string(requests_.size())), any_request(draw, model_)}, requests_.size());
    } else if (step.what < 70) {
      settle(draw.below(open), true);
    } else if (step.what < 80) {
      settle(draw.below(open), false);
    } else if (step.what < 84) {
      repeat_request(draw);
    } else if (step.what < 88) {
      reuse_key(draw);
    } else if (step.what < 92) {
      RC_ASSERT(shop_.prepare_again(open_[draw.below(open)]));
    } else if (step.what < 96) {
      shop_.settle({0, 1, 1 + draw.below(20)}, draw.one_in(2));  // A decision that comes again, or contradicts.
    } else if (step.what < 98) {
      shop_.checkpoint();
    } else {
      refresh();
    }
    check();
  }

  void finish(bool commit) {
    while (!open_.empty()) settle(0, commit);
    check();
    RC_ASSERT(shop_.book().keys_in_use() == 0u);
  }

  /// What was seen, to know that the runs are worth something.
  struct Seen {
    std::set<std::string_view> committed, refused;
    std::size_t repeated = 0;
  };
  explicit Run(Seen& seen) : Run() { seen_ = &seen; }

 private:
  void must(const Operation& operation) {
    begin({key("k" + std::to_string(requests_.size())), operation}, requests_.size());
    RC_ASSERT(open_.size() == 1u);
    settle(0, true);
  }
  void begin(const Request& request, std::uint64_t body) {
    if (body == requests_.size()) requests_.push_back(request);
    const Shop::Begun begun = shop_.begin(request, ++now_);
    const Model::Expected expected = model_.begin(begun.transaction.sequence, request, body, now_);
    if (begun.refusal != expected.refusal)
      RC_LOG() << to_string(kind_of(request.operation)) << ": " << begun.refusal << ", expected " << expected.refusal;
    RC_ASSERT(begun.refusal == expected.refusal);
    RC_ASSERT(begun.repeat_of.sequence == expected.repeat_of.value_or(0));
    RC_ASSERT(begun.open == (expected.refusal == Errc::none && !expected.repeat_of));
    if (begun.open) open_.push_back(begun.transaction);
    if (!seen_) return;
    if (begun.refusal != Errc::none) seen_->refused.insert(to_string(begun.refusal));
    if (begun.repeat_of) ++seen_->repeated;
    if (begun.open) kinds_[begun.transaction] = kind_of(request.operation);
  }
  void repeat_request(Draw& draw) {
    const auto at = draw.below(static_cast<unsigned>(requests_.size()));
    begin(requests_[at], at);
  }
  void reuse_key(Draw& draw) {
    Request other = requests_[draw.below(static_cast<unsigned>(requests_.size()))];
    other.operation = Deposit{account("bank"), account("w0"), gbp(10'000 + static_cast<Minor>(requests_.size()))};
    begin(other, requests_.size());
  }
  void settle(unsigned at, bool commit) {
    if (seen_ && commit) seen_->committed.insert(to_string(kinds_[open_[at]]));
    shop_.settle(open_[at], commit);
    model_.settle(open_[at].sequence, commit);
    open_.erase(open_.begin() + at);
  }
  void refresh() {
    shop_.refresh();
    model_.refresh();
  }

  void check() const {
    check_accounts();
    check_products();
    for (const auto& [sequence, sale] : model_.sales) check_order({0, 1, sequence}, sale);
    RC_ASSERT(shop_.open() == open_.size());
    RC_ASSERT(shop_.book().keys_in_use() == model_.keys_in_use());
  }
  void check_accounts() const {
    const auto& rows = shop_.ledger().rows();
    RC_ASSERT(rows.size() == model_.wallets.size());
    std::map<int, Minor> sums;
    for (const auto& [name, wallet] : model_.wallets) {
      const Account* row = shop_.ledger().find(account(name));
      RC_ASSERT(row != nullptr);
      RC_ASSERT(row->balance == wallet.balance);
      RC_ASSERT(row->held == model_.promised_money(name, true));
      RC_ASSERT(row->incoming == model_.promised_money(name, false));
      RC_ASSERT(row->credit_limit == wallet.limit);
      RC_ASSERT((wallet.kind == AccountKind::external || row->balance - row->held >= -wallet.limit));
      sums[row->currency.number] += row->balance;
    }
    for (const auto& [currency, sum] : sums) RC_ASSERT(sum == 0);
  }
  void check_products() const {
    RC_ASSERT(shop_.inventory().rows().size() == model_.items.size());
    for (const auto& [name, item] : model_.items) {
      const Product* row = shop_.inventory().find(sku(name));
      RC_ASSERT(row != nullptr);
      RC_ASSERT((row->price == item.price && row->version == item.version));
      RC_ASSERT(row->pricing == model_.pricing(name));
      RC_ASSERT(row->on_hand == item.on_hand);
      RC_ASSERT(row->held == model_.promised_units(name, Model::Way::out));
      RC_ASSERT(row->incoming == model_.promised_units(name, Model::Way::in));
      RC_ASSERT((row->reserved == item.reserved));
      RC_ASSERT(row->leaving == model_.promised_units(name, Model::Way::from_reserved));
      RC_ASSERT((row->leaving <= row->reserved && row->held + row->reserved <= row->on_hand));
      RC_ASSERT((row->received == item.received && row->adjusted == item.adjusted));
      RC_ASSERT((row->sold == item.sold && row->returned == item.returned));
      RC_ASSERT((0 <= row->held && row->held <= row->on_hand));
      RC_ASSERT(row->received + row->adjusted + row->returned == row->on_hand + row->sold);
    }
  }
  void check_order(const OrderId& id, const Model::Sale& sale) const {
    const Order order = shop_.order(id);
    RC_ASSERT(order.progress.version == sale.version);
    RC_ASSERT(order.progress.status == sale.status);
    RC_ASSERT(order.expires_at_ns == sale.expires);
    RC_ASSERT(shop_.book().reservations().contains(id) == (sale.status == OrderStatus::reserved));
    RC_ASSERT(shop_.book().amending(id) == model_.amending(id.sequence));
    RC_ASSERT(order.progress.lines.size() == sale.lines.size());
    for (std::size_t i = 0; i < sale.lines.size(); ++i) {
      const Model::SaleLine& line = sale.lines[i];
      RC_ASSERT((order.progress.lines[i] == LineProgress{line.bought, line.refunded, line.fulfilled}));
      RC_ASSERT(order.checkout.lines[i].unit_price == line.price);
      RC_ASSERT((line.refunded <= line.bought && line.fulfilled <= line.bought));
    }
  }

  Shop shop_;
  Model model_;
  std::int64_t now_ = 0;
  std::vector<TransactionId> open_;
  std::vector<Request> requests_;
  Seen* seen_ = nullptr;
  std::map<TransactionId, OperationKind> kinds_;
};

}  // namespace

TEST_CASE("model: random operations, many open at once, do what the model says", "[domain][model]") {
  Run::Seen seen;
  property("votes, promises and decisions", 800, [&] {
    const auto steps = *any_steps();
    Run run(seen);
    for (const Step& step : steps) run.take(step);
    run.finish(*rc::gen::arbitrary<bool>());
  });
  CHECK(seen.committed.size() == kOperationKinds);
  CHECK(seen.repeated > 200);
  CHECK(seen.refused ==
        std::set<std::string_view>{"invalid_argument", "unknown_account", "unknown_sku", "unknown_order",
                                   "already_exists", "currency_mismatch", "account_kind", "insufficient_funds",
                                   "out_of_stock", "price_changed", "order_state", "exceeds_order",
                                   "idempotency_key_reused", "reservation_expired", "conflict", "request_in_progress"});
}

}  // namespace kontor::tests
