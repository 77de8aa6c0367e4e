// What an engine is asked and what changes nothing: each question goes to the actor that has the answer.
#include "actors/doubts.hpp"
#include "actors/engine_impl.hpp"
#include "domain/placement.hpp"

namespace kontor {

void Engine::account(const AccountId& id, OnRead<Account> then) {
  const Impl::Entry entry(*impl_);
  if (!entry) return then(Error{Errc::shutting_down, "engine"});
  auto& shard = impl_->fabric->shards[home_of(id, impl_->fabric->size())];
  caf::anon_send(shard.payment, actors::ReadAccount{id, std::move(then)});
}

void Engine::product(const Sku& sku, OnRead<Product> then) {
  const Impl::Entry entry(*impl_);
  if (!entry) return then(Error{Errc::shutting_down, "engine"});
  auto& shard = impl_->fabric->shards[home_of(sku, impl_->fabric->size())];
  caf::anon_send(shard.inventory, actors::ReadProduct{sku, std::move(then)});
}

void Engine::order(const OrderId& id, OnRead<Order> then) {
  const Impl::Entry entry(*impl_);
  if (!entry) return then(Error{Errc::shutting_down, "engine"});
  if (!id || id.shard >= impl_->fabric->size()) return then(Error{Errc::unknown_order, "order"});
  caf::anon_send(impl_->fabric->shards[id.shard].order, actors::ReadOrder{id, std::move(then)});
}

void Engine::transaction(const TransactionId& id, OnRead<TransactionRecord> then) {
  const Impl::Entry entry(*impl_);
  if (!entry) return then(Error{Errc::shutting_down, "engine"});
  if (!id || id.shard >= impl_->fabric->size()) return then(Error{Errc::not_found, "transaction"});
  caf::anon_send(impl_->fabric->shards[id.shard].order, actors::ReadTransaction{id, std::move(then)});
}

void Engine::products(ShardId shard, const std::optional<Sku>& from, Direction direction, std::size_t most,
                      OnRead<ProductPage> then) {
  const Impl::Entry entry(*impl_);
  if (!entry) return then(Error{Errc::shutting_down, "engine"});
  if (shard >= impl_->fabric->size()) return then(Error{Errc::invalid_argument, "shard"});
  if (most == 0 || most > kListedMax) return then(Error{Errc::invalid_argument, "most"});
  caf::anon_send(impl_->fabric->shards[shard].inventory,
                 actors::ReadProducts{from, direction == Direction::back, most, std::move(then)});
}

void Engine::accounts(ShardId shard, const std::optional<AccountId>& from, std::size_t most, OnRead<AccountPage> then) {
  const Impl::Entry entry(*impl_);
  if (!entry) return then(Error{Errc::shutting_down, "engine"});
  if (shard >= impl_->fabric->size()) return then(Error{Errc::invalid_argument, "shard"});
  if (most == 0 || most > kListedMax) return then(Error{Errc::invalid_argument, "most"});
  caf::anon_send(impl_->fabric->shards[shard].payment, actors::ReadAccounts{from, most, std::move(then)});
}

void Engine::events(ShardId shard, std::uint64_t after, std::size_t most, OnRead<EventPage> then) {
  const Impl::Entry entry(*impl_);
  if (!entry) return then(Error{Errc::shutting_down, "engine"});
  if (shard >= impl_->fabric->size()) return then(Error{Errc::invalid_argument, "shard"});
  if (most == 0 || most > kEventsMax) return then(Error{Errc::invalid_argument, "most"});
  caf::anon_send(impl_->fabric->shards[shard].order, actors::ReadEvents{after, most, std::move(then)});
}

namespace {
/// Starts a read that ends in a future.
template <class Value, class Start>
std::future<Result<Value>> read_later(const Start& start) {
  auto promise = std::make_shared<std::promise<Result<Value>>>();
  auto future = promise->get_future();
  start([promise](const Result<Value>& value) { promise->set_value(value); });
  return future;
}
}  // namespace

std::future<Result<Account>> Engine::account(const AccountId& id) {
  return read_later<Account>([&](OnRead<Account> then) { account(id, std::move(then)); });
}

std::future<Result<Product>> Engine::product(const Sku& sku) {
  return read_later<Product>([&](OnRead<Product> then) { product(sku, std::move(then)); });
}

std::future<Result<Order>> Engine::order(const OrderId& id) {
  return read_later<Order>([&](OnRead<Order> then) { order(id, std::move(then)); });
}

void Engine::doubts(const std::optional<TransactionId>& from, std::size_t most, OnRead<DoubtPage> then) {
  const Impl::Entry entry(*impl_);
  if (!entry) return then(Error{Errc::shutting_down, "engine"});
  if (most == 0 || most > kListedMax) return then(Error{Errc::invalid_argument, "most"});
  actors::read_doubts(*impl_->fabric, impl_->own_shards(), from, most, std::move(then));
}

void Engine::resolve(const TransactionId& id, OnRead<bool> then) {
  const Impl::Entry entry(*impl_);
  if (!entry) return then(Error{Errc::shutting_down, "engine"});
  if (!id || id.shard >= impl_->fabric->size()) return then(Error{Errc::not_found, "transaction"});
  actors::resolve_doubt(*impl_->fabric, impl_->own_shards(), id, std::move(then));
}

}  // namespace kontor
