// Products, their prices and their stock.
#include "cmd/kontor/serve/decode.hpp"

namespace kontor::cmd::serve {

Operation decode_define_product(const PathNames&, Fields& body, Refusal&) {
  DefineProduct define;
  define.sku = body.sku("sku");
  define.price = body.money("price", 0);
  return define;
}

Operation decode_set_price(const PathNames& path, Fields& body, Refusal& refusal) {
  SetPrice set;
  set.sku = sku_in_path(path[0], refusal);
  set.price = body.money("price", 0);
  if (body.has("expected_version")) {
    constexpr auto kMost = std::numeric_limits<std::uint32_t>::max();
    set.expected_version = static_cast<std::uint32_t>(body.integer("expected_version", 1, kMost));
  }
  return set;
}

Operation decode_receive_stock(const PathNames& path, Fields& body, Refusal& refusal) {
  const Sku sku = sku_in_path(path[0], refusal);
  return ReceiveStock{{{sku, body.integer("quantity", 1, kQuantityUnitsMax)}}};
}

Operation decode_adjust_stock(const PathNames& path, Fields& body, Refusal& refusal) {
  const Sku sku = sku_in_path(path[0], refusal);
  const Units quantity = body.integer("quantity", -kQuantityUnitsMax, kQuantityUnitsMax);
  if (quantity == 0) refusal.set(Errc::invalid_argument, "/quantity", "0 adjusts nothing");
  return AdjustStock{{{sku, quantity}}};
}

}  // namespace kontor::cmd::serve
