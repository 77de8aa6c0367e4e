#include "persistence/views/view_store.hpp"

#include <algorithm>

#include <boost/unordered/unordered_flat_map.hpp>

namespace kontor::persistence::views {
namespace {

using Kind = ViewTransaction::Kind;
using Way = ViewTransaction::Way;

/// What a table has under `key`. None: nothing.
template <class Value>
Result<std::optional<Value>> look_up(const ViewTransaction& look, ViewTable table, std::string_view key,
                                     Result<Value> (*read)(std::string_view)) {
  const auto stored = look.get(table, key);
  if (!stored) return stored.error();
  if (!*stored) return std::optional<Value>();
  auto value = read(**stored);
  if (!value) return value.error();
  return std::optional(*value);
}

Result<std::optional<AccountView>> account_in(const ViewTransaction& look, const AccountId& id) {
  return look_up(look, ViewTable::accounts, id.view(), read_account);
}

}  // namespace

/// What a stretch of the log makes of the views, inside one transaction.
class ViewStore::Changes {
 public:
  Changes(ViewStore& store, ShardId shard)
      : write_(*store.env_, Kind::writes), shard_(shard), head_(store.head_), place_(store.places_[shard]) {}

  Result<void> take(const Fact& fact) {
    ++head_.sequence;
    write_.put(ViewTable::places, place_key(fact.transaction), write_sequence(head_.sequence));
    if (!balanced(fact)) ++head_.unbalanced;
    for (const PaymentDemand& demand : fact.payments)
      if (auto posted = post(fact, demand); !posted) return posted;
    for (const StockDemand& demand : fact.stocks)
      if (auto moved = move(demand); !moved) return moved;
    if (auto listed = list(fact); !listed) return listed;
    place_.last = fact.place;
    place_.transaction = fact.transaction;
    return {};
  }

  /// Errors: see ViewStore::apply. `store` has it in when it was done.
  Result<void> commit(ViewStore& store, std::uint64_t reached) {
    for (const auto& [id, account] : accounts_) write_.put(ViewTable::accounts, id.view(), write_account(account));
    for (const auto& [sku, product] : products_) write_.put(ViewTable::products, sku.view(), write_product(product));
    place_.reached = reached;
    write_.put(ViewTable::meta, head_key(), write_head(head_));
    write_.put(ViewTable::meta, shard_key(shard_), write_shard(place_));
    if (auto done = write_.commit(); !done) return done;
    store.head_ = head_;
    store.places_[shard_] = place_;
    return {};
  }

 private:
  static bool balanced(const Fact& fact) {
    std::map<std::uint16_t, Minor> sums;
    for (const PaymentDemand& demand : fact.payments)
      if (demand.action == PaymentAction::post) sums[demand.currency.number] += demand.amount;
    return std::all_of(sums.begin(), sums.end(), [](const auto& sum) { return sum.second == 0; });
  }

  /// The account as it is by now; written at the end. Another shard's log may tell of its opening later than this one
  /// of what was posted to it.
  Result<AccountView*> account(const AccountId& id, Currency currency) {
    const auto [at, absent] = accounts_.try_emplace(id);
    if (!absent) return &at->second;
    const auto found = account_in(write_, id);
    if (!found) return found.error();
    at->second = *found ? **found : AccountView{++head_.accounts, currency, 0, 0};
    return &at->second;
  }

  Result<void> post(const Fact& fact, const PaymentDemand& demand) {
    const auto found = account(demand.account, demand.currency);
    if (!found) return found.error();
    if (demand.action != PaymentAction::post || demand.amount == 0) return {};
    AccountView& into = **found;
    into.balance += demand.amount;
    ++into.entries;
    const Entry entry{fact.transaction, fact.at_ns, fact.kind, demand.amount, into.balance};
    write_.put(ViewTable::rows, row_key(list_prefix(ListKind::entries, into.number), head_.sequence),
               write_entry(entry));
    return {};
  }

  Result<void> move(const StockDemand& demand) {
    const auto [at, absent] = products_.try_emplace(demand.sku);
    if (absent) {
      const auto found = look_up(write_, ViewTable::products, demand.sku.view(), read_product);
      if (!found) return found.error();
      at->second = found->value_or(ProductView{});
    }
    ProductView& product = at->second;
    switch (demand.action) {
      case StockAction::sell: product.sold += demand.amount; break;
      case StockAction::reserve: product.reserved += demand.amount; break;
      case StockAction::redeem: product.reserved -= demand.amount, product.sold += demand.amount; break;
      case StockAction::release: product.reserved -= demand.amount; break;
      case StockAction::take_back: product.returned += demand.amount; break;
      case StockAction::receive: product.received += demand.amount; break;
      case StockAction::adjust: product.adjusted += demand.amount; break;
      case StockAction::define:
      case StockAction::set_price: break;
    }
    return {};
  }

  Result<void> list(const Fact& fact) {
    if (fact.kind != OperationKind::checkout && fact.kind != OperationKind::reserve) return {};
    const auto add = [&](const std::string& prefix) {
      write_.put(ViewTable::rows, row_key(prefix, head_.sequence), write_order(fact.transaction));
    };
    const auto customer = listed(fact, fact.customer);
    if (!customer) return customer.error();
    add(list_prefix(ListKind::orders_of_customer, *customer));
    for (const AccountId& id : fact.payees) {
      const auto payee = listed(fact, id);
      if (!payee) return payee.error();
      add(list_prefix(ListKind::orders_of_payee, *payee));
      add(list_prefix(ListKind::orders_of_both, *customer, *payee));
    }
    return {};
  }
  /// The number of a party, which may have been posted nothing.
  Result<std::uint32_t> listed(const Fact& fact, const AccountId& id) {
    const auto party = account(id, fact.payments.empty() ? Currency{} : fact.payments.front().currency);
    if (!party) return party.error();
    return (*party)->number;
  }

  ViewTransaction write_;
  const ShardId shard_;
  ViewsHead head_;
  ShardPlace place_;
  boost::unordered_flat_map<AccountId, AccountView> accounts_;
  boost::unordered_flat_map<Sku, ProductView> products_;
};

Result<std::unique_ptr<ViewStore>> ViewStore::open(const std::filesystem::path& dir, std::uint16_t shards,
                                                   std::uint64_t map_bytes, std::string* explanation) {
  std::unique_ptr<ViewStore> store(new ViewStore);
  auto env = ViewEnv::open(dir, map_bytes, explanation);
  if (!env) return env.error();
  store->env_ = std::move(*env);
  Result<void> loaded = store->load(shards);
  if (!loaded) loaded = store->clear();  // Whatever it was, it follows from the log.
  if (loaded) return store;
  if (explanation) *explanation = dir.string() + ": cannot read the views: " + std::string(to_string(loaded.code()));
  return loaded.error();
}

Result<void> ViewStore::load(std::uint16_t shards) {
  places_.assign(shards, {});
  head_ = {kViewsVersion, shards};
  const ViewTransaction look(*env_, Kind::reads);
  const auto head = look_up(look, ViewTable::meta, head_key(), read_head);
  if (!head) return head.error();
  if (!*head) return {};  // New.
  if ((*head)->version != kViewsVersion || (*head)->shards != shards) return Error{Errc::incompatible_format, "views"};
  for (ShardId shard = 0; shard < shards; ++shard) {
    const auto place = look_up(look, ViewTable::meta, shard_key(shard), read_shard);
    if (!place) return place.error();
    places_[shard] = place->value_or(ShardPlace{});
  }
  head_ = **head;
  return {};
}

Result<void> ViewStore::clear() {
  ViewTransaction write(*env_, Kind::writes);
  for (std::size_t table = 0; table < kViewTables; ++table) write.clear(static_cast<ViewTable>(table));
  if (auto done = write.commit(); !done) return done;
  head_ = {kViewsVersion, static_cast<std::uint16_t>(places_.size())};
  places_.assign(places_.size(), {});
  return {};
}

Result<void> ViewStore::apply(ShardId shard, std::span<const Fact> facts, std::uint64_t reached) {
  Changes changes(*this, shard);
  for (const Fact& fact : facts)
    if (auto taken = changes.take(fact); !taken) return taken;
  return changes.commit(*this, reached);
}

template <class Row>
Result<Page<Row>> ViewStore::page(const ViewTransaction& look, const std::string& prefix, const Stretch& stretch,
                                  Result<Row> (*read)(std::string_view)) const {
  std::string from = row_key(prefix, stretch.back ? 0 : ~std::uint64_t{0});
  if (stretch.from) {
    const Error absent{Errc::not_found, "from"};
    const auto sequence = look_up(look, ViewTable::places, place_key(*stretch.from), read_sequence);
    if (!sequence) return sequence.error();
    if (!*sequence) return absent;
    const auto row = look.get(ViewTable::rows, row_key(prefix, **sequence));
    if (!row) return row.error();
    if (!*row) return absent;  // It is in other lists, which are not the caller's business.
    from = row_key(prefix, **sequence + (stretch.back ? 1 : 0));
  }
  Page<Row> page;
  Result<void> damage;
  const auto visit = [&](std::string_view key, std::string_view value) {
    if (!key.starts_with(prefix)) return false;
    page.more = page.rows.size() == stretch.most;
    if (page.more) return false;
    auto row = read(value);
    if (row)
      page.rows.push_back(std::move(*row));
    else
      damage = row.error();
    return static_cast<bool>(damage);
  };
  const auto walked = look.walk(ViewTable::rows, from, stretch.back ? Way::onwards : Way::back, visit);
  if (!walked) return walked.error();
  if (!damage) return damage.error();
  if (stretch.back) std::reverse(page.rows.begin(), page.rows.end());
  return page;
}

Result<AccountView> ViewStore::account(const AccountId& account) const {
  const ViewTransaction look(*env_, Kind::reads);
  const auto found = account_in(look, account);
  if (!found) return found.error();
  if (!*found) return Error{Errc::unknown_account, "account"};
  return **found;
}

Result<Page<Entry>> ViewStore::entries(const AccountId& account, const Stretch& stretch) const {
  const ViewTransaction look(*env_, Kind::reads);
  const auto found = account_in(look, account);
  if (!found) return found.error();
  if (!*found) return Error{Errc::unknown_account, "account"};
  return page(look, list_prefix(ListKind::entries, (*found)->number), stretch, read_entry);
}

Result<Page<OrderId>> ViewStore::orders(const AccountId& customer, const AccountId& payee,
                                        const Stretch& stretch) const {
  const ViewTransaction look(*env_, Kind::reads);
  const auto none = [&]() -> Result<Page<OrderId>> {
    if (stretch.from) return Error{Errc::not_found, "from"};
    return Page<OrderId>{};
  };
  std::optional<AccountView> first, second;
  for (auto [id, into] : {std::pair{&customer, &first}, std::pair{&payee, &second}}) {
    if (id->empty()) continue;
    const auto found = account_in(look, *id);
    if (!found) return found.error();
    if (!*found) return none();
    *into = **found;
  }
  std::string prefix;
  if (first && second)
    prefix = list_prefix(ListKind::orders_of_both, first->number, second->number);
  else if (first)
    prefix = list_prefix(ListKind::orders_of_customer, first->number);
  else if (second)
    prefix = list_prefix(ListKind::orders_of_payee, second->number);
  else
    return Error{Errc::invalid_argument, "customer"};
  return page(look, prefix, stretch, read_order);
}

Result<ViewsHead> ViewStore::Snapshot::head() const {
  const auto head = look_up(look_, ViewTable::meta, head_key(), read_head);
  if (!head) return head.error();
  return head->value_or(ViewsHead{});
}

Result<std::optional<AccountView>> ViewStore::Snapshot::account(const AccountId& id) const {
  return account_in(look_, id);
}

Result<std::optional<ProductView>> ViewStore::Snapshot::product(const Sku& sku) const {
  return look_up(look_, ViewTable::products, sku.view(), read_product);
}

namespace {
/// Visits what `read` makes of each row whose key begins with `prefix`, from its first or back from its last.
template <class Value, class Visit>
Result<void> visit_all(const ViewTransaction& look, ViewTable table, const std::string& prefix,
                       Result<Value> (*read)(std::string_view), const Visit& visit, Way way = Way::onwards) {
  const std::string from = way == Way::onwards ? prefix : row_key(prefix, ~std::uint64_t{0});
  Result<void> damage;
  const auto walked = look.walk(table, from, way, [&](std::string_view key, std::string_view stored) {
    if (!key.starts_with(prefix)) return false;
    const auto value = read(stored);
    if (value) return visit(key, *value);
    damage = value.error();
    return false;
  });
  return walked ? damage : walked;
}
}  // namespace

Result<void> ViewStore::Snapshot::accounts(
    const std::function<bool(const AccountId&, const AccountView&)>& visit) const {
  return visit_all(look_, ViewTable::accounts, {}, read_account, [&](std::string_view key, const AccountView& view) {
    return visit(AccountId::unchecked(key), view);
  });
}

Result<void> ViewStore::Snapshot::products(const std::function<bool(const Sku&, const ProductView&)>& visit) const {
  return visit_all(look_, ViewTable::products, {}, read_product,
                   [&](std::string_view key, const ProductView& view) { return visit(Sku::unchecked(key), view); });
}

Result<void> ViewStore::Snapshot::entries(const AccountView& account, const std::function<bool(const Entry&)>& visit,
                                          bool newest_first) const {
  return visit_all(
      look_, ViewTable::rows, list_prefix(ListKind::entries, account.number), read_entry,
      [&](std::string_view, const Entry& entry) { return visit(entry); }, newest_first ? Way::back : Way::onwards);
}

}  // namespace kontor::persistence::views
