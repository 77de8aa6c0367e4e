#include "cmd/kontor/replay/bookkeeper.hpp"

#include <algorithm>
#include <cassert>

namespace kontor::cmd::replay {
namespace {

/// Keys are made of checked parts whose bounds leave room for the prefixes; so none is cut.
IdempotencyKey key_of(const std::string& text) {
  assert(is_name(text, kKeyBytesMax));
  return IdempotencyKey::unchecked(text);
}

Object account_object(std::uint32_t account) { return {Object::Kind::account, account}; }
Object product_object(std::uint32_t sku) { return {Object::Kind::product, sku}; }
Object order_object(std::uint32_t order) { return {Object::Kind::order, order}; }

Step make_step(const std::string& key, Operation operation) {
  Step step;
  step.request.key = key_of(key);
  step.request.operation = std::move(operation);
  return step;
}

/// Touches each SKU of `skus` once.
void touch_products(Step& step, std::vector<std::uint32_t> skus, Role role) {
  std::sort(skus.begin(), skus.end());
  skus.erase(std::unique(skus.begin(), skus.end()), skus.end());
  for (const std::uint32_t sku : skus) step.touches.push_back({product_object(sku), role});
}

std::vector<std::uint32_t> skus_of(const std::vector<BookableRow>& rows) {
  std::vector<std::uint32_t> skus;
  skus.reserve(rows.size());
  for (const BookableRow& row : rows) skus.push_back(row.sku);
  return skus;
}

}  // namespace

Bookkeeper::Bookkeeper(const InvoiceFile& file)
    : file_(file),
      balances_(kCustomersBegin + file.customers().size()),
      opened_(balances_.size()),
      defined_(file.skus().size()),
      stocks_(file.skus().size()),
      unmatched_rows_(file.invoices().size()) {}

AccountId Bookkeeper::account_id(std::uint32_t account) const {
  if (account == kBank) return AccountId::unchecked("external/bank");
  if (account == kShop) return AccountId::unchecked("merchant/shop");
  const std::string& number = file_.customers()[account - kCustomersBegin];
  return AccountId::unchecked("customer/" + (number.empty() ? "guest" : number));
}

void Bookkeeper::open(std::vector<Step>& steps) {
  open_account(kBank, AccountKind::external, steps);
  open_account(kShop, AccountKind::wallet, steps);
}

void Bookkeeper::book(std::uint32_t index, std::vector<Step>& steps) {
  const Invoice& invoice = file_.invoices()[index];
  for (const auto* rows : {&invoice.sales, &invoice.adjustments, &invoice.refunds}) define_products(*rows, steps);
  if (invoice.customer != Invoice::kNoCustomer)
    open_account(kCustomersBegin + invoice.customer, AccountKind::wallet, steps);
  if (!invoice.sales.empty()) sell(index, steps);
  if (!invoice.adjustments.empty()) adjust(index, steps);
  if (!invoice.refunds.empty()) refund(index, steps);
}

void Bookkeeper::open_account(std::uint32_t account, AccountKind kind, std::vector<Step>& steps) {
  if (opened_[account]) return;
  opened_[account] = true;
  const AccountId id = account_id(account);
  Step step = make_step("open/" + id.str(), OpenAccount{id, kPounds, kind});
  step.touches = {{account_object(account), Role::creates}};
  steps.push_back(std::move(step));
}

void Bookkeeper::define_products(const std::vector<BookableRow>& rows, std::vector<Step>& steps) {
  for (const BookableRow& row : rows) {
    if (defined_[row.sku]) continue;
    defined_[row.sku] = true;
    const Sku& sku = file_.skus()[row.sku];
    Step step = make_step("define/" + sku.str(), DefineProduct{sku, {row.price, kPounds}});
    step.touches = {{product_object(row.sku), Role::creates}};
    steps.push_back(std::move(step));
  }
}

/// Deposits what `account` lacks to pay the invoice's total.
void Bookkeeper::fund(const Invoice& invoice, std::uint32_t account, std::vector<Step>& steps) {
  const Minor missing = invoice.total - balances_[account];
  if (missing <= 0) return;
  balances_[kBank] -= missing;
  balances_[account] += missing;
  Step step = make_step("fund/" + invoice.number, Deposit{account_id(kBank), account_id(account), {missing, kPounds}});
  step.touches = {{account_object(kBank), Role::names}, {account_object(account), Role::gives}};
  steps.push_back(std::move(step));
}

/// Receives what is missing for `rows` to leave the stock.
void Bookkeeper::receive(const std::vector<BookableRow>& rows, const std::string& key, std::vector<Step>& steps) {
  boost::unordered_flat_map<std::uint32_t, Units> left;  // Of each SKU, before and after the rows so far.
  ReceiveStock supply;
  std::vector<std::uint32_t> skus;
  for (const BookableRow& row : rows) {
    Units& available = left.try_emplace(row.sku, stocks_[row.sku].on_hand()).first->second;
    const Units missing = std::max<Units>(row.quantity - available, 0);
    available += missing - row.quantity;
    if (missing == 0) continue;
    stocks_[row.sku].received += missing;
    supply.lines.push_back({file_.skus()[row.sku], missing});
    skus.push_back(row.sku);
  }
  if (skus.empty()) return;
  Step step = make_step(key, std::move(supply));
  touch_products(step, std::move(skus), Role::gives);
  steps.push_back(std::move(step));
}

void Bookkeeper::sell(std::uint32_t index, std::vector<Step>& steps) {
  const Invoice& invoice = file_.invoices()[index];
  const std::uint32_t customer = kCustomersBegin + invoice.customer;
  fund(invoice, customer, steps);
  receive(invoice.sales, "stock/" + invoice.number, steps);

  Checkout checkout;
  checkout.customer = account_id(customer);
  checkout.currency = kPounds;
  checkout.payees = {account_id(kShop)};
  for (std::uint32_t line = 0; line < invoice.sales.size(); ++line) {
    const BookableRow& row = invoice.sales[line];
    checkout.lines.push_back({file_.skus()[row.sku], row.quantity, row.price});
    stocks_[row.sku].sold += row.quantity;
    purchases_.add({invoice.customer, row.sku, row.price}, {index, line, row.quantity});
  }
  balances_[customer] -= invoice.total;
  balances_[kShop] += invoice.total;

  Step step = make_step("invoice/" + invoice.number, std::move(checkout));
  step.invoice = step.order = index;
  step.touches = {{account_object(customer), Role::takes},
                  {account_object(kShop), Role::gives},
                  {order_object(index), Role::creates}};
  touch_products(step, skus_of(invoice.sales), Role::takes);
  steps.push_back(std::move(step));
}

void Bookkeeper::adjust(std::uint32_t index, std::vector<Step>& steps) {
  const Invoice& invoice = file_.invoices()[index];
  receive(invoice.adjustments, "stock/" + invoice.number + "/adjust", steps);
  AdjustStock adjustment;
  for (const BookableRow& row : invoice.adjustments) {
    adjustment.lines.push_back({file_.skus()[row.sku], -row.quantity});
    stocks_[row.sku].adjusted -= row.quantity;
  }
  Step step = make_step("adjust/" + invoice.number, std::move(adjustment));
  step.invoice = index;
  touch_products(step, skus_of(invoice.adjustments), Role::takes);
  steps.push_back(std::move(step));
}

void Bookkeeper::refund(std::uint32_t index, std::vector<Step>& steps) {
  const Invoice& invoice = file_.invoices()[index];
  fund(invoice, kShop, steps);  // Refunds of purchases before the file begins: the shop never got that money here.
  std::vector<Purchases::Part> parts;
  std::vector<ReturnLine> unmatched;
  std::vector<std::uint32_t> unmatched_skus;
  for (const BookableRow& row : invoice.refunds) {
    stocks_[row.sku].returned += row.quantity;
    const Units rest = purchases_.take({invoice.customer, row.sku, row.price}, row.quantity, parts);
    if (rest == 0) continue;
    unmatched.push_back({file_.skus()[row.sku], rest, row.price});
    unmatched_skus.push_back(row.sku);
  }
  unmatched_rows_[index] = static_cast<std::uint32_t>(unmatched.size());
  balances_[kCustomersBegin + invoice.customer] += invoice.total;
  balances_[kShop] -= invoice.total;
  refund_orders(index, parts, steps);
  if (!unmatched.empty()) refund_unmatched(index, std::move(unmatched), unmatched_skus, steps);
}

/// One refund for each order that `parts` name, newest first; each of its lines once.
void Bookkeeper::refund_orders(std::uint32_t index, std::vector<Purchases::Part>& parts, std::vector<Step>& steps) {
  const Invoice& invoice = file_.invoices()[index];
  std::sort(parts.begin(), parts.end(),
            [](const auto& a, const auto& b) { return a.order != b.order ? a.order > b.order : a.line < b.line; });
  std::uint32_t number = 0;
  for (auto part = parts.begin(); part != parts.end();) {
    const std::uint32_t order = part->order;
    Refund refund;
    std::vector<std::uint32_t> skus;
    for (; part != parts.end() && part->order == order; ++part) {
      if (refund.lines.empty() || refund.lines.back().line != part->line) {
        refund.lines.push_back({part->line, 0});
        skus.push_back(file_.invoices()[order].sales[part->line].sku);
      }
      refund.lines.back().quantity += part->quantity;
    }
    Step step = make_step("refund/" + invoice.number + "/" + std::to_string(number++), std::move(refund));
    step.invoice = index;
    step.order = order;
    step.touches = {{account_object(kCustomersBegin + invoice.customer), Role::gives},
                    {account_object(kShop), Role::takes},
                    {order_object(order), Role::amends}};
    touch_products(step, std::move(skus), Role::gives);
    steps.push_back(std::move(step));
  }
}

void Bookkeeper::refund_unmatched(std::uint32_t index, std::vector<ReturnLine> lines,
                                  const std::vector<std::uint32_t>& skus, std::vector<Step>& steps) {
  const Invoice& invoice = file_.invoices()[index];
  const std::uint32_t customer = kCustomersBegin + invoice.customer;
  Step step = make_step("refund/" + invoice.number + "/unmatched",
                        UnmatchedRefund{account_id(customer), account_id(kShop), kPounds, std::move(lines)});
  step.invoice = index;
  step.touches = {{account_object(customer), Role::gives}, {account_object(kShop), Role::takes}};
  touch_products(step, skus, Role::gives);
  steps.push_back(std::move(step));
}

}  // namespace kontor::cmd::replay
