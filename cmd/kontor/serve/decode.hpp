#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/kontor/serve/fields.hpp"
#include "domain/operations.hpp"

/// From a request's path and body to the operation it asks for. One file for each group of routes.
namespace kontor::cmd::serve {

/// What the names in a route's braces stand for.
using PathNames = std::vector<std::string>;
using Decode = Operation (*)(const PathNames& path, Fields& body, Refusal& refusal);

/// One route that changes something.
struct PostRoute {
  std::string_view path;
  Decode decode;
  bool body_optional = false;
};

/// All of them.
std::span<const PostRoute> post_routes();

/// What a request of this route asks for; the operation means something only when nothing was refused. `body` may be
/// anything.
Operation operation_in(const PostRoute& route, const PathNames& path, std::string_view body, Refusal& refusal);

AccountId account_in_path(const std::string& text, Refusal& refusal);
Sku sku_in_path(const std::string& text, Refusal& refusal);
OrderId order_in_path(const std::string& text, Refusal& refusal);
OrderId reservation_in_path(const std::string& text, Refusal& refusal);

Operation decode_define_product(const PathNames& path, Fields& body, Refusal& refusal);
Operation decode_set_price(const PathNames& path, Fields& body, Refusal& refusal);
Operation decode_receive_stock(const PathNames& path, Fields& body, Refusal& refusal);
Operation decode_adjust_stock(const PathNames& path, Fields& body, Refusal& refusal);

Operation decode_open_account(const PathNames& path, Fields& body, Refusal& refusal);
Operation decode_deposit(const PathNames& path, Fields& body, Refusal& refusal);
Operation decode_withdraw(const PathNames& path, Fields& body, Refusal& refusal);
Operation decode_transfer(const PathNames& path, Fields& body, Refusal& refusal);

Operation decode_checkout(const PathNames& path, Fields& body, Refusal& refusal);
/// What is bought, by whom, and who is paid.
Checkout checkout_in(Fields& body, Refusal& refusal);

Operation decode_reserve(const PathNames& path, Fields& body, Refusal& refusal);
Operation decode_redeem(const PathNames& path, Fields& body, Refusal& refusal);
Operation decode_release(const PathNames& path, Fields& body, Refusal& refusal);

Operation decode_cancel(const PathNames& path, Fields& body, Refusal& refusal);
Operation decode_refund(const PathNames& path, Fields& body, Refusal& refusal);
Operation decode_fulfil(const PathNames& path, Fields& body, Refusal& refusal);

}  // namespace kontor::cmd::serve
