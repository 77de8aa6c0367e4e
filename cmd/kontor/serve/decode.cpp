#include "cmd/kontor/serve/decode.hpp"

#include <array>
#include <variant>

#include <boost/json/monotonic_resource.hpp>

#include "cmd/kontor/serve/strict_json.hpp"

namespace kontor::cmd::serve {
namespace {

constexpr std::size_t kParseBytes = 8 * 1024;  // Of a body of usual size, on the stack.

constexpr std::array kPostRoutes{
    PostRoute{"/v1/products", decode_define_product},
    PostRoute{"/v1/products/{sku}/price", decode_set_price},
    PostRoute{"/v1/products/{sku}/stock/receipts", decode_receive_stock},
    PostRoute{"/v1/products/{sku}/stock/adjustments", decode_adjust_stock},
    PostRoute{"/v1/accounts", decode_open_account},
    PostRoute{"/v1/accounts/{account}/deposits", decode_deposit},
    PostRoute{"/v1/accounts/{account}/withdrawals", decode_withdraw},
    PostRoute{"/v1/transfers", decode_transfer},
    PostRoute{"/v1/checkouts", decode_checkout},
    PostRoute{"/v1/reservations", decode_reserve},
    PostRoute{"/v1/reservations/{reservation}/commit", decode_redeem, true},
    PostRoute{"/v1/reservations/{reservation}/release", decode_release, true},
    PostRoute{"/v1/orders/{order}/cancel", decode_cancel, true},
    PostRoute{"/v1/orders/{order}/refunds", decode_refund},
    PostRoute{"/v1/orders/{order}/fulfilments", decode_fulfil},
};

/// A name that cannot exist is answered like one that does not.
template <class Name>
Name name_in_path(const std::string& text, Errc unknown, Refusal& refusal) {
  const auto parsed = Name::parse(text);
  if (!parsed) refusal.set({unknown, {}, {}, 0, {}});
  return parsed ? *parsed : Name{};
}

OrderId prefixed_in_path(const std::string& text, std::string_view prefix, Refusal& refusal) {
  const auto parsed = parse_transaction(text);
  if (!parsed || !*parsed || !text.starts_with(prefix)) {
    refusal.set({Errc::unknown_order, {}, {}, 0, {}});
    return {};
  }
  return *parsed;
}

}  // namespace

std::span<const PostRoute> post_routes() { return kPostRoutes; }

Operation operation_in(const PostRoute& route, const PathNames& path, std::string_view body, Refusal& refusal) {
  std::array<unsigned char, kParseBytes> space;
  boost::json::monotonic_resource memory(space.data(), space.size());
  auto parsed = parse_strict(body.empty() && route.body_optional ? "{}" : body, &memory);
  if (auto* problem = std::get_if<Problem>(&parsed)) {
    refusal.set(problem->code, std::move(problem->param), problem->detail);
    return {};
  }
  Fields fields(std::get<boost::json::value>(parsed), {}, refusal);
  Operation operation = route.decode(path, fields, refusal);
  fields.end();
  return operation;
}

AccountId account_in_path(const std::string& text, Refusal& refusal) {
  return name_in_path<AccountId>(text, Errc::unknown_account, refusal);
}

Sku sku_in_path(const std::string& text, Refusal& refusal) {
  return name_in_path<Sku>(text, Errc::unknown_sku, refusal);
}

OrderId order_in_path(const std::string& text, Refusal& refusal) { return prefixed_in_path(text, "ord_", refusal); }

OrderId reservation_in_path(const std::string& text, Refusal& refusal) {
  return prefixed_in_path(text, "rsv_", refusal);
}

}  // namespace kontor::cmd::serve
