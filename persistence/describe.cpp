#include "persistence/story.hpp"

namespace kontor::persistence {
namespace {

std::string units(Units quantity) { return std::to_string(quantity) + (quantity == 1 ? " unit" : " units"); }

using Lines = std::vector<std::string>;

Lines words(const OpenAccount& op) {
  Lines out{"open " + std::string(to_string(op.kind)) + " " + op.account.str() + " in " +
            std::string(currency_code(op.currency))};
  if (op.credit_limit > 0) out.push_back("credit limit " + to_string(Money{op.credit_limit, op.currency}));
  return out;
}
Lines words(const Deposit& op) {
  return {"deposit " + to_string(op.amount) + " from " + op.external.str() + " to " + op.account.str()};
}
Lines words(const Withdraw& op) {
  return {"withdraw " + to_string(op.amount) + " from " + op.account.str() + " to " + op.external.str()};
}
Lines words(const Transfer& op) {
  return {"transfer " + to_string(op.amount) + " from " + op.source.str() + " to " + op.target.str()};
}
Lines words(const DefineProduct& op) { return {"define product " + op.sku.str() + " at " + to_string(op.price)}; }
Lines words(const SetPrice& op) { return {"set the price of " + op.sku.str() + " to " + to_string(op.price)}; }
Lines words(const std::vector<StockLine>& lines, std::string_view verb) {
  Lines out;
  for (const StockLine& line : lines)
    out.push_back(std::string(verb) + " " + units(line.quantity) + " of " + line.sku.str());
  return out;
}
Lines words(const ReceiveStock& op) { return words(op.lines, "receive"); }
Lines words(const AdjustStock& op) { return words(op.lines, "adjust by"); }
Lines words(const Checkout& op, std::string head) {
  Lines out{std::move(head)};
  for (const Line& line : op.lines)
    out.push_back(units(line.quantity) + " of " + line.sku.str() + " at " +
                  to_string(Money{line.unit_price, op.currency}) + ", to " + op.payees[line.payee].str());
  if (!op.fee.account.empty())
    out.push_back("fee of " + std::to_string(op.fee.basis_points) + " basis points to " + op.fee.account.str());
  return out;
}
Lines words(const Checkout& op) { return words(op, "checkout by " + op.customer.str()); }
Lines words(const Reserve& op) {
  const bool absolute = op.expires_at_ns != 0;
  return words(op.checkout, "reservation for " + op.checkout.customer.str() + ", " + (absolute ? "until " : "for ") +
                                std::to_string(absolute ? op.expires_at_ns : op.expires_in_ns) + " ns");
}
Lines words(const Redeem& op) { return {"redeem " + reservation_text(op.order)}; }
Lines words(const Release& op) {
  return {"release " + reservation_text(op.order) + (op.reason == ReleaseReason::expired ? ", which expired" : "")};
}
Lines words(const std::vector<OrderLine>& lines, std::string head) {
  Lines out{std::move(head)};
  if (lines.empty()) out.push_back("all that was left");
  for (const OrderLine& line : lines) out.push_back("line " + std::to_string(line.line) + ": " + units(line.quantity));
  return out;
}
Lines words(const Cancel& op) { return {"cancel " + order_text(op.order)}; }
Lines words(const Refund& op) {
  return words(op.lines, "refund of " + order_text(op.order) + (op.restock ? ", restocking" : ", not restocking"));
}
Lines words(const Fulfil& op) { return words(op.lines, "fulfil " + order_text(op.order)); }
Lines words(const UnmatchedRefund& op) {
  Lines out{"refund without an order, from " + op.payee.str() + " to " + op.customer.str()};
  for (const ReturnLine& line : op.lines)
    out.push_back(units(line.quantity) + " of " + line.sku.str() + " at " +
                  to_string(Money{line.unit_price, op.currency}));
  return out;
}

}  // namespace

std::vector<std::string> describe(const Operation& operation) {
  return std::visit([](const auto& op) { return words(op); }, operation);
}

std::string describe(const PaymentDemand& demand) {
  if (demand.action == PaymentAction::open_account) return "open account " + demand.account.str();
  const Money money{demand.amount < 0 ? -demand.amount : demand.amount, demand.currency};
  return (demand.amount < 0 ? "debit " : "credit ") + demand.account.str() + " " + to_string(money);
}

std::string describe(const StockDemand& demand) {
  const std::string sku = " of " + demand.sku.str();
  switch (demand.action) {
    case StockAction::sell: return "sell " + units(demand.amount) + sku;
    case StockAction::take_back: return "take back " + units(demand.amount) + sku;
    case StockAction::receive: return "receive " + units(demand.amount) + sku;
    case StockAction::adjust: return "adjust by " + units(demand.amount) + sku;
    case StockAction::define: return "define " + demand.sku.str();
    case StockAction::set_price: return "set price" + sku + " to " + to_string(Money{demand.amount, demand.currency});
    case StockAction::reserve: return "reserve " + units(demand.amount) + sku;
    case StockAction::redeem: return "sell " + units(demand.amount) + sku + ", reserved";
    case StockAction::release: return "release " + units(demand.amount) + sku;
  }
  return "unlisted";
}

std::string describe(const OrderDemand& demand) {
  const std::string line =
      " line " + std::to_string(demand.line) + " of " + order_text(demand.order) + ": " + units(demand.quantity);
  switch (demand.action) {
    case OrderAction::enroll: return "enroll key " + demand.key.str();
    case OrderAction::cancel: return "cancel" + line;
    case OrderAction::refund: return "refund" + line;
    case OrderAction::fulfil: return "fulfil" + line;
    case OrderAction::reserve: return "begin a reservation";
    case OrderAction::redeem: return "redeem " + reservation_text(demand.order);
    case OrderAction::release: return "release " + reservation_text(demand.order);
    case OrderAction::expire: return "end " + reservation_text(demand.order) + ", which expired";
  }
  return "unlisted";
}

}  // namespace kontor::persistence
