// Checkouts.
#include <algorithm>
#include <string>

#include "cmd/kontor/serve/decode.hpp"

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;

std::vector<AccountId> payees_in(const AccountId& customer, Fields& body) {
  std::vector<AccountId> payees;
  const json::array& elements = body.list("payees", 1, kPayeesMax);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto refuse = [&](std::string_view detail, Errc code = Errc::invalid_argument) {
      body.refusal().set(code, body.pointer_to("payees") + "/" + std::to_string(i), detail);
    };
    const json::string* text = elements[i].if_string();
    const auto payee = text ? AccountId::parse(*text) : Result<AccountId>(Error{Errc::invalid_argument, ""});
    if (!payee)
      refuse("an account's id is needed: 1 to 39 bytes", payee.code());
    else if (*payee == customer)
      refuse("the customer cannot be paid");
    else if (std::find(payees.begin(), payees.end(), *payee) != payees.end())
      refuse("is named twice");
    payees.push_back(payee ? *payee : AccountId{});
  }
  return payees;
}

Line line_in(Fields& fields, const Checkout& checkout) {
  Line line;
  line.sku = fields.sku("sku");
  line.quantity = fields.integer("quantity", 1, kQuantityUnitsMax);
  if (fields.has("unit_price")) {
    const Money price = fields.money("unit_price", 0);
    if (price.currency && checkout.currency && price.currency != checkout.currency)
      fields.refusal().set(Errc::currency_mismatch, fields.pointer_to("unit_price"), "not the checkout's currency");
    line.unit_price = price.minor;
  }
  if (fields.has("expected_version")) {
    constexpr auto kMost = std::numeric_limits<std::uint32_t>::max();
    line.expected_version = static_cast<std::uint32_t>(fields.integer("expected_version", 1, kMost));
  }
  if (fields.has("payee")) {
    const AccountId payee = fields.account("payee");
    const auto it = std::find(checkout.payees.begin(), checkout.payees.end(), payee);
    if (it == checkout.payees.end() && checkout.payees.empty())
      line.payee = 0;  // It is said of the payees.
    else if (it == checkout.payees.end())
      fields.refusal().set(Errc::invalid_argument, fields.pointer_to("payee"), "is not among the payees");
    else
      line.payee = static_cast<std::uint8_t>(it - checkout.payees.begin());
  }
  fields.end();
  return line;
}

Fee fee_in(const AccountId& customer, Fields& body) {
  Fields fields(body.object("fee"), body.pointer_to("fee"), body.refusal());
  Fee fee;
  fee.account = fields.account("account");
  fee.basis_points = static_cast<std::uint16_t>(fields.integer("basis_points", 0, kFeeBasisPointsMax));
  fields.end();
  if (!customer.empty() && fee.account == customer)
    fields.refusal().set(Errc::invalid_argument, fields.pointer_to("account"), "the customer cannot be paid");
  return fee;
}

}  // namespace

Operation decode_checkout(const PathNames&, Fields& body, Refusal& refusal) { return checkout_in(body, refusal); }

Checkout checkout_in(Fields& body, Refusal& refusal) {
  Checkout checkout;
  checkout.customer = body.account("customer");
  checkout.currency = body.currency("currency");
  checkout.payees = payees_in(checkout.customer, body);
  const json::array& lines = body.list("lines", 1, kLinesMax);
  checkout.lines.reserve(lines.size());
  for (std::size_t i = 0; i < lines.size() && !refusal.full(); ++i) {
    Fields fields(lines[i], "/lines/" + std::to_string(i), refusal);
    checkout.lines.push_back(line_in(fields, checkout));
  }
  if (body.has("fee")) checkout.fee = fee_in(checkout.customer, body);
  return checkout;
}

}  // namespace kontor::cmd::serve
