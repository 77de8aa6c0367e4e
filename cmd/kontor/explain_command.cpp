// `kontor explain`: the story of one transaction, or of the order it placed: from the records of a closed directory, or
// what a server tells of it.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cmd/http/path.hpp"
#include "cmd/kontor/client/options.hpp"
#include "cmd/kontor/client/view.hpp"
#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/json_text.hpp"
#include "cmd/kontor/terminal.hpp"
#include "cmd/kontor/time_text.hpp"
#include "persistence/story.hpp"

namespace kontor::cmd {
namespace {

namespace json = boost::json;
using persistence::RecordKind;
using persistence::Story;
using persistence::StoryEvent;

struct Options {
  std::string dir, id;
  client::CallOptions call;
  bool from_server = false;
  bool json() const { return call.json; }
};

/// "waiting", "pre_committed in round 1 of shard 0".
std::string phase_text(const commit::Stance& stance) {
  const auto election = [](const commit::Election& number) {
    return "round " + std::to_string(number.round) + " of shard " + std::to_string(number.leader);
  };
  std::string out(to_string(stance.phase));
  if (stance.attempt.round != 0) out += " in " + election(stance.attempt);
  if (stance.elected.round > std::max(stance.attempt.round, 1u)) out += ", elects " + election(stance.elected);
  return out + (stance.voted ? "" : stance.phase == commit::Phase::aborted ? ", never voted" : ", as witness");
}

std::string meaning(const StoryEvent& event) {
  switch (event.kind) {
    case RecordKind::order_prepared:
    case RecordKind::payment_prepared:
    case RecordKind::inventory_prepared: return "votes yes";
    case RecordKind::decided: return *event.commit ? "decides commit" : "decides abort";
    case RecordKind::learned: return *event.commit ? "learns commit" : "learns abort";
    case RecordKind::stances: return std::string(to_string(event.stance->protocol)) + ": " + phase_text(*event.stance);
    case RecordKind::ended: return "all acknowledged: forgets";
    default: return std::string(to_string(event.kind));
  }
}

json::object to_json(const StoryEvent& event) {
  json::object out{{"time", time_text(event.written_at_ns)}, {"shard", event.shard},
                   {"actor", to_string(event.stream)},       {"position", event.position},
                   {"record", to_string(event.kind)},        {"meaning", meaning(event)}};
  if (event.stance) {
    out["protocol"] = to_string(event.stance->protocol);
    out["phase"] = to_string(event.stance->phase);
  }
  if (!event.demands.empty()) out["demands"] = json::array(event.demands.begin(), event.demands.end());
  return out;
}

json::object to_json(const Story& story) {
  json::object out{{"transaction", transaction_text(story.transaction)},
                   {"outcome", to_string(story.outcome)},
                   {"checkpointed", story.checkpointed}};
  if (story.request) {
    out["idempotency_key"] = story.request->key.view();
    out["enrolled_at"] = time_text(story.request->written_at_ns);
  }
  if (story.operation) {
    const auto lines = persistence::describe(story.operation->operation);
    out["operation"] = json::array(lines.begin(), lines.end());
    out["kind"] = to_string(kind_of(story.operation->operation));
  }
  if (story.progress && story.outcome == persistence::StoryOutcome::committed) {
    json::array amendments;
    for (const TransactionId& id : story.amendments) amendments.push_back(json::string(transaction_text(id)));
    out["order"] = {{"id", order_text(story.transaction)},
                    {"status", to_string(story.progress->status)},
                    {"payment", to_string(payment_status(*story.progress))},
                    {"fulfilment", to_string(fulfilment_status(*story.progress))},
                    {"version", story.progress->version},
                    {"amendments", std::move(amendments)}};
  }
  json::array events;
  for (const StoryEvent& event : story.events) events.push_back(to_json(event));
  out["events"] = std::move(events);
  return out;
}

void print_order(const Story& story) {
  if (!story.progress || story.outcome != persistence::StoryOutcome::committed) return;
  std::cout << "order     " << order_text(story.transaction) << ": " << to_string(story.progress->status) << ", "
            << to_string(payment_status(*story.progress)) << ", " << to_string(fulfilment_status(*story.progress))
            << '\n';
  for (const TransactionId& id : story.amendments) std::cout << "          amended by " << transaction_text(id) << '\n';
}

void print(const Story& story) {
  const bool colour = wants_colour(stdout);
  const bool good = story.outcome == persistence::StoryOutcome::committed;
  std::cout << painted(transaction_text(story.transaction), Tone::strong, colour) << "  "
            << painted(to_string(story.outcome), good ? Tone::good : Tone::bad, colour) << '\n';
  if (story.request) std::cout << "key       " << story.request->key.view() << '\n';
  if (story.operation) {
    const auto lines = persistence::describe(story.operation->operation);
    for (std::size_t i = 0; i < lines.size(); ++i)
      std::cout << (i == 0 ? "operation " : "            ") << lines[i] << '\n';
  }
  print_order(story);
  std::cout << '\n';
  Table table({Table::Align::left, Table::Align::right, Table::Align::left, Table::Align::right, Table::Align::left});
  table.row({{"time", Tone::faint},
             {"shard", Tone::faint},
             {"actor", Tone::faint},
             {"position", Tone::faint},
             {"what", Tone::faint}});
  for (const StoryEvent& event : story.events) {
    table.row({time_text(event.written_at_ns), std::to_string(event.shard), std::string(to_string(event.stream)),
               std::to_string(event.position), meaning(event)});
    for (const std::string& demand : event.demands) table.row({"", "", "", "", {"  " + demand, Tone::faint}});
  }
  std::cout << table.text(colour);
  if (story.checkpointed)
    std::cout << "\nThe decision's record is gone: a checkpoint holds its effect, and the order journal its outcome.\n";
}

/// What a server tells: the transaction, and the order that it placed, as it is now.
int ask_server(const Options& options, const TransactionId& id) {
  std::string why;
  auto caller = client::Caller::make(options.call, why);
  if (!caller) {
    std::cerr << "kontor explain: " << why << '\n';
    return kExitUsage;
  }
  const client::Reply reply = caller->get("/v1/transactions/" + transaction_text(id));
  auto transaction = reply.exit_code == kExitOk ? reply.object() : std::nullopt;
  if (!transaction) return client::print_failure(reply, "explain", options.call);
  std::optional<json::object> order;
  std::string_view name;
  for (const std::string_view kind : {"order", "reservation"}) {
    const json::value* id_of_it = transaction->if_contains(kind);
    if (!id_of_it || !id_of_it->is_string()) continue;
    name = kind;
    const client::Reply found =
        caller->get("/v1/" + std::string(kind) + "s/" + http::percent_encoded(id_of_it->get_string()));
    order = found.exit_code == kExitOk ? found.object() : std::nullopt;
    if (!order) return client::print_failure(found, "explain", options.call);
  }
  if (options.json()) {
    if (order) (*transaction)[name] = std::move(*order);
    std::cout << json_text(*transaction) << '\n';
    return kExitOk;
  }
  const bool colour = wants_colour(stdout);
  std::cout << client::object_text(*transaction, colour);
  if (order) std::cout << '\n' << client::object_text(*order, colour);
  return kExitOk;
}

int run(const Options& options) {
  const auto id = parse_transaction(options.id);
  if (!id) {
    std::cerr << "kontor explain: '" << options.id
              << "' is no id of a transaction, an order or a reservation (txn_…, ord_… or rsv_…)\n";
    return kExitUsage;
  }
  if (options.from_server) return ask_server(options, *id);
  std::string explanation;
  const auto set = persistence::ShardSet::open(options.dir, &explanation);
  if (!set) {
    std::cerr << "kontor explain: " << to_string(set.code()) << ": " << explanation << '\n';
    return exit_code_of(set.code());
  }
  const auto story = persistence::tell_story(*set, *id);
  if (!story) {
    std::cerr << "kontor explain: " << to_string(story.code()) << ": nothing in " << options.dir << " names "
              << options.id << '\n';
    return exit_code_of(story.code());
  }
  if (options.json()) {
    std::cout << json_text(to_json(*story)) << '\n';
  } else {
    print(*story);
  }
  return kExitOk;
}

}  // namespace

void add_explain_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("explain", "Tell the story of one transaction or order: votes, decision, records");
  const auto what = std::make_shared<std::vector<std::string>>();
  command
      ->add_option("what", *what,
                   "The engine's directory, closed, and txn_…, ord_… or rsv_…; with --url only the latter")
      ->required()
      ->expected(1, 2)
      ->type_name("[DIR] TX|ORDER");
  client::add_call_options(*command, options->call, client::Method::get);
  command->final_callback([options, what, &exit_code] {
    options->from_server = what->size() == 1;
    options->id = what->back();
    if (!options->from_server) options->dir = what->front();
    exit_code = run(*options);
  });
}

}  // namespace kontor::cmd
