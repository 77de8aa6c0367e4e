// Outcomes as a client hears them.
#include "cmd/kontor/serve/answer.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <boost/json/serialize.hpp>

#include "cmd/http/path.hpp"
#include "cmd/kontor/serve/access.hpp"
#include "cmd/kontor/serve/overloaded.hpp"
#include "domain/placement.hpp"

namespace kontor::cmd::serve {
namespace {

constexpr std::size_t kReceiptBytesUsual = 192;

std::vector<Sku> skus_of(const Operation& operation) {
  std::vector<Sku> skus;
  const auto add_all = [&](const auto& lines) {
    for (const auto& line : lines) skus.push_back(line.sku);
  };
  std::visit(
      Overloaded{[&](const Checkout& op) { add_all(op.lines); }, [&](const Reserve& op) { add_all(op.checkout.lines); },
                 [&](const ReceiveStock& op) { add_all(op.lines); }, [&](const AdjustStock& op) { add_all(op.lines); },
                 [&](const UnmatchedRefund& op) { add_all(op.lines); },
                 [&](const SetPrice& op) { skus.push_back(op.sku); },
                 [&](const DefineProduct& op) { skus.push_back(op.sku); }, [](const auto&) {}},
      operation);
  return skus;
}

/// The request's first line that is meant. Before a transaction began the engine names that line; after it, one of a
/// shard's demands, which are sorted by SKU, each once; which shard it does not say.
std::optional<std::size_t> line_in_question(const Outcome& outcome, const std::vector<Sku>& skus,
                                            std::uint16_t shards) {
  const std::size_t line = outcome.error.line;
  if (skus.size() == 1) return 0;
  if (!outcome.transaction) return line < skus.size() ? std::optional(line) : std::nullopt;
  std::vector<Sku> sorted = skus;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<Sku> candidates;
  for (ShardId shard = 0; shard < shards; ++shard) {
    std::size_t index = 0;
    for (const Sku& sku : sorted)
      if (home_of(sku, shards) == shard && index++ == line) candidates.push_back(sku);
  }
  if (candidates.size() != 1) return {};
  return static_cast<std::size_t>(std::find(skus.begin(), skus.end(), candidates.front()) - skus.begin());
}

bool names_a_line(const Error& error) {
  switch (error.code) {
    case Errc::unknown_sku:
    case Errc::out_of_stock:
    case Errc::price_changed: return true;
    case Errc::currency_mismatch: return error.detail == "sku";
    default: return false;
  }
}

Currency currency_of(const Operation& operation) {
  return std::visit(
      Overloaded{[](const Checkout& op) { return op.currency; }, [](const Reserve& op) { return op.checkout.currency; },
                 [](const Withdraw& op) { return op.amount.currency; },
                 [](const Transfer& op) { return op.amount.currency; }, [](const auto&) { return Currency{}; }},
      operation);
}

std::optional<OrderId> order_of(const Operation& operation, const TransactionId& transaction) {
  return std::visit(Overloaded{[&](const Checkout&) { return std::optional(transaction); },
                               [](const Cancel& op) { return std::optional(op.order); },
                               [](const Refund& op) { return std::optional(op.order); },
                               [](const Fulfil& op) { return std::optional(op.order); },
                               [](const Redeem& op) { return std::optional(op.order); },
                               [](const auto&) { return std::optional<OrderId>(); }},
                    operation);
}

std::optional<OrderId> reservation_of(const Operation& operation, const TransactionId& transaction) {
  return std::visit(Overloaded{[&](const Reserve&) { return std::optional(transaction); },
                               [](const Redeem& op) { return std::optional(op.order); },
                               [](const Release& op) { return std::optional(op.order); },
                               [](const auto&) { return std::optional<OrderId>(); }},
                    operation);
}

/// Of what a request made: the object, or else the transaction.
std::string made_at(const Operation& operation, const TransactionId& transaction) {
  if (const auto* op = std::get_if<DefineProduct>(&operation))
    return "/v1/products/" + http::percent_encoded(op->sku.view());
  if (const auto* op = std::get_if<OpenAccount>(&operation))
    return "/v1/accounts/" + http::percent_encoded(op->account.view());
  if (std::holds_alternative<Checkout>(operation)) return "/v1/orders/" + order_text(transaction);
  if (const auto* op = std::get_if<Redeem>(&operation)) return "/v1/orders/" + order_text(op->order);
  if (std::holds_alternative<Reserve>(operation)) return "/v1/reservations/" + reservation_text(transaction);
  return "/v1/transactions/" + transaction_text(transaction);
}

std::string words_for(const Error& error) {
  switch (error.code) {
    case Errc::out_of_stock: return "only " + std::to_string(error.figure) + " units are available";
    case Errc::price_changed: return "the product's price has another version now";
    case Errc::reservation_expired: return "the reservation's time is over: what it held goes back into the stock";
    case Errc::insufficient_funds: return "the account has less than is asked for";
    case Errc::idempotency_key_reused: return "the Idempotency-Key was used for another request body";
    case Errc::request_in_progress: return "the request with this Idempotency-Key is being worked on";
    case Errc::outcome_unknown:
      return "the outcome is not known here: ask where Location says, or send the same request with the same key";
    default: return std::string(error.detail);
  }
}

}  // namespace

std::string receipt_text(const Operation& operation, const TransactionId& transaction) {
  std::string out;
  out.reserve(kReceiptBytesUsual);
  out.append(R"({"object":"transaction","id":")").append(transaction_text(transaction));
  out.append(R"(","kind":")").append(to_string(kind_of(operation)));
  out.append(R"(","outcome":"committed")");
  if (const auto order = order_of(operation, transaction))
    out.append(R"(,"order":")").append(order_text(*order)).append("\"");
  if (const auto reservation = reservation_of(operation, transaction))
    out.append(R"(,"reservation":")").append(reservation_text(*reservation)).append("\"");
  return out += '}';
}

http::Response receipt(const Operation& operation, const Outcome& outcome) {
  http::Response response;
  response.status = 201;
  response.body = receipt_text(operation, outcome.transaction);
  response.subject = transaction_text(outcome.transaction);
  response.fields.push_back({"Location", made_at(operation, outcome.transaction)});
  if (outcome.replayed) response.fields.push_back({"Idempotent-Replayed", "true"});
  return response;
}

std::optional<Sku> sku_in_question(const Outcome& outcome, const Operation& operation, std::uint16_t shards) {
  if (!names_a_line(outcome.error)) return {};
  const std::vector<Sku> skus = skus_of(operation);
  const auto line = line_in_question(outcome, skus, shards);
  return line ? std::optional(skus[*line]) : std::nullopt;
}

Problem problem_of(const Outcome& outcome, const Operation& operation, std::uint16_t shards) {
  const Error& error = outcome.error;
  Problem problem{error.code, words_for(error), {}, 0, {}};
  if (outcome.verdict == Verdict::unknown) {
    problem.code = Errc::outcome_unknown;
    problem.detail = words_for({Errc::outcome_unknown, {}});
  }
  if (outcome.transaction) problem.more["transaction"] = transaction_text(outcome.transaction);
  if (error.code == Errc::out_of_stock) problem.more["available"] = error.figure;
  if (error.code == Errc::price_changed) problem.more["current_version"] = error.figure;
  if (const Currency currency = currency_of(operation); error.code == Errc::insufficient_funds && currency)
    problem.more["available"] = to_json(Money{error.figure, currency});
  if (error.code == Errc::exceeds_order && error.detail.find("nothing") == std::string_view::npos)
    problem.more["line"] = error.line;
  if (!names_a_line(error)) return problem;
  const std::vector<Sku> skus = skus_of(operation);
  const auto line = line_in_question(outcome, skus, shards);
  if (!line) return problem;
  problem.more["sku"] = skus[*line].view();
  if (!purchase_in(operation)) return problem;
  problem.more["line"] = *line;
  problem.param = "/lines/" + std::to_string(*line) + (error.code == Errc::out_of_stock ? "/quantity" : "/sku");
  return problem;
}

std::optional<std::string> location_of(const TransactionId& transaction) {
  if (!transaction) return {};
  return "/v1/transactions/" + transaction_text(transaction);
}

}  // namespace kontor::cmd::serve
