#pragma once
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "actors/engine.hpp"
#include "cmd/http/message.hpp"
#include "cmd/kontor/serve/problem.hpp"

/// What a client is told: outcomes and objects as JSON.
namespace kontor::cmd::serve {

/// `{"amount":1999,"currency":"GBP"}`
boost::json::object to_json(Money money);
boost::json::object product_json(const Product& product);
/// `"3"`: the version of a product's price.
std::string etag_of(const Product& product);
std::optional<std::uint32_t> version_of_etag(std::string_view text);
boost::json::object stock_json(const Product& product);
boost::json::object to_json(const Account& account);
boost::json::object to_json(const Order& order);
/// Of an order that began as a reservation.
boost::json::object reservation_json(const Order& order);
boost::json::object to_json(const TransactionRecord& record);

/// The body for a committed request: nothing in it that a replay would not say again.
std::string receipt_text(const Operation& operation, const TransactionId& transaction);
http::Response receipt(const Operation& operation, const Outcome& outcome);

/// Why an outcome is no commit. `shards`: of the engine, to tell which line of a request was meant.
Problem problem_of(const Outcome& outcome, const Operation& operation, std::uint16_t shards);
/// Where an unknown outcome can be asked for. None: only by the same request with the same key.
std::optional<std::string> location_of(const TransactionId& transaction);
/// The product whose price changed under the request, when that is clear.
std::optional<Sku> sku_in_question(const Outcome& outcome, const Operation& operation, std::uint16_t shards);

}  // namespace kontor::cmd::serve
