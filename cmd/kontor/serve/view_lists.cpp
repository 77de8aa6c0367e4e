#include "cmd/kontor/serve/view_lists.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "cmd/kontor/serve/answer.hpp"
#include "cmd/kontor/serve/list_query.hpp"
#include "cmd/kontor/time_text.hpp"
#include "persistence/story.hpp"

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;
namespace persisted = persistence::views;

http::Response list_response(json::array data, bool more) {
  return json_response({{"object", "list"}, {"data", std::move(data)}, {"has_more", more}});
}

/// Why there is no page. `what`: the elements of the list.
Problem list_problem(const Error& error, const ListQuery& list, const char* what) {
  if (error.code != Errc::not_found) return {error.code, {}, {}, 0, {}};
  return {Errc::invalid_argument, "there is no such " + std::string(what), list.from_name(), 0, {}};
}

/// The stretch that is asked for; `prefix` is what the ids of its elements begin with.
persisted::Stretch stretch_of(const ListQuery& list, std::string_view prefix, const char* what, Refusal& refusal) {
  persisted::Stretch stretch{list.limit, {}, list.back};
  if (!list.from) return stretch;
  const auto id = parse_transaction(*list.from);
  if (!id || !*id || !list.from->starts_with(prefix))
    refusal.set(list_problem({Errc::not_found, {}}, list, what));
  else
    stretch.from = *id;
  return stretch;
}

json::object to_json(const persisted::Entry& entry, Currency currency) {
  json::object out{{"object", "entry"},
                   {"transaction", transaction_text(entry.transaction)},
                   {"kind", to_string(entry.kind)},
                   {"amount", serve::to_json(Money{entry.amount, currency})},
                   {"balance", serve::to_json(Money{entry.balance, currency})},
                   {"created_at", time_text(entry.at_ns)}};
  if (entry.kind == OperationKind::checkout) out["order"] = order_text(entry.transaction);
  return out;
}

/// What is kept of a read until its answer.
struct Asked {
  explicit Asked(const Read& read)
      : objects(read.shared.objects), post(read.post), request(read.request), respond(read.respond) {}
  void refuse(const Problem& problem) const { respond(problem_response(problem, *request)); }

  Objects& objects;
  const http::Post post;
  const http::RequestPtr request;
  const http::Respond respond;
};

/// Reads the orders of a page and answers with them in the page's order. On the lane, but for the engine's answers.
class OrderPage : public std::enable_shared_from_this<OrderPage> {
 public:
  OrderPage(Asked asked, persisted::Page<OrderId> page, bool back)
      : asked_(std::move(asked)),
        page_(std::move(page)),
        back_(back),
        found_(page_.rows.size()),
        missing_(page_.rows.size()) {}

  void ask() {
    if (missing_ == 0) return asked_.respond(list_response({}, page_.more));
    for (std::size_t i = 0; i < page_.rows.size(); ++i)
      asked_.objects.order(page_.rows[i], [self = shared_from_this(), i](const Result<Order>& order) {
        self->asked_.post([self, i, order] { self->add(i, order); });
      });
  }

 private:
  void add(std::size_t i, const Result<Order>& order) {
    if (order)
      found_[i] = *order;
    else
      failure_ = order.error();
    if (--missing_ != 0) return;
    if (failure_.code != Errc::none) return asked_.refuse({failure_.code, {}, {}, 0, {}});
    answer();
  }
  /// With as many orders, from where the page begins to be asked for, as have no more lines than a page may.
  void answer() {
    if (back_) std::reverse(found_.begin(), found_.end());
    std::size_t lines = 0, count = 0;
    for (; count < found_.size(); ++count) {
      lines += found_[count].checkout.lines.size();
      if (count > 0 && lines > kOrderLinesListedMax) break;
    }
    const bool more = page_.more || count < found_.size();
    found_.resize(count);
    if (back_) std::reverse(found_.begin(), found_.end());
    json::array data;
    for (const Order& order : found_) data.push_back(serve::to_json(order));
    asked_.respond(list_response(std::move(data), more));
  }

  const Asked asked_;
  const persisted::Page<OrderId> page_;
  const bool back_;
  std::vector<Order> found_;
  std::size_t missing_;
  Error failure_;
};

/// The account that a parameter names. None: there can be no such account.
std::optional<AccountId> account_in(const Query& query, std::string_view name) {
  const auto text = query.text(name);
  if (!text) return AccountId{};
  const auto account = AccountId::parse(*text);
  return account ? std::optional(*account) : std::nullopt;
}

/// Whose orders are asked for, as far as they are the caller's own. None: no orders at all.
std::optional<OrderFilter> filter_of(const Query& query, const Principal& who, Refusal& refusal) {
  const auto customer = account_in(query, "customer"), payee = account_in(query, "payee");
  if (!customer || !payee) return {};
  OrderFilter filter{*customer, *payee};
  if (!narrow(who, filter)) return {};
  if (filter.customer.empty() && filter.payee.empty())
    refusal.set(Errc::invalid_argument, "customer", "a customer or a payee is needed");
  return filter;
}

}  // namespace

void read_orders(const Read& read) {
  Refusal refusal;
  const Query query(read.request->query, read.query, refusal);
  const ListQuery list = list_query(query, kOrdersListedMax, kOrdersListedUsual, refusal);
  const auto filter = filter_of(query, read.who, refusal);
  const persisted::Stretch stretch = stretch_of(list, "ord_", "order", refusal);
  if (!filter && list.from) refusal.set(list_problem({Errc::not_found, {}}, list, "order"));
  if (refusal) return read.respond(problem_response(refusal.problem(), *read.request));
  if (!filter) return read.respond(list_response({}, false));
  read.shared.views.ask(
      [asked = Asked(read), filter = *filter, stretch, list](const Result<const Views::Store*>& views) {
        auto page = views ? (*views)->orders(filter.customer, filter.payee, stretch)
                          : Result<persisted::Page<OrderId>>(views.error());
        asked.post([asked, list, page = std::move(page)] {
          if (!page) return asked.refuse(list_problem(page.error(), list, "order"));
          std::make_shared<OrderPage>(asked, *page, list.back)->ask();
        });
      });
}

namespace {
/// The answer, or why there is none.
Result<http::Response> entries_of(const Result<const Views::Store*>& views, const AccountId& account,
                                  const persisted::Stretch& stretch) {
  if (!views) return views.error();
  const auto view = (*views)->account(account);
  if (!view) return view.error();
  const auto page = (*views)->entries(account, stretch);
  if (!page) return page.error();
  json::array data;
  for (const persisted::Entry& entry : page->rows) data.push_back(to_json(entry, view->currency));
  return list_response(std::move(data), page->more);
}
}  // namespace

void read_entries(const Read& read) {
  Refusal refusal;
  const AccountId account = account_in_path(read.path[0], refusal);
  if (!is_own(read.who, account)) refusal.set(Errc::unknown_account, {}, {});
  const Query query(read.request->query, read.query, refusal);
  const ListQuery list = list_query(query, kEntriesListedMax, kListedUsual, refusal);
  const persisted::Stretch stretch = stretch_of(list, "txn_", "entry", refusal);
  if (refusal) return read.respond(problem_response(refusal.problem(), *read.request));
  read.shared.views.ask([asked = Asked(read), account, stretch, list](const Result<const Views::Store*>& views) {
    const auto told = entries_of(views, account, stretch);
    http::Response response =
        told ? *told : problem_response(list_problem(told.error(), list, "entry"), *asked.request);
    asked.post([asked, response = std::move(response)] { asked.respond(response); });
  });
}

}  // namespace kontor::cmd::serve
