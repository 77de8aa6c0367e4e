// `kontor cluster`: what a cluster needs beside its nodes.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "cmd/http/path.hpp"
#include "cmd/kontor/client/listing.hpp"
#include "cmd/kontor/client/options.hpp"
#include "cmd/kontor/client/view.hpp"
#include "cmd/kontor/cluster/certificates.hpp"
#include "cmd/kontor/cluster/moves.hpp"
#include "cmd/kontor/cluster/watch.hpp"
#include "cmd/kontor/commands.hpp"
#include "cmd/kontor/exit_codes.hpp"
#include "cmd/kontor/figures.hpp"
#include "cmd/kontor/interrupts.hpp"

namespace kontor::cmd {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  kontor cluster certs certs --node node-1 --node node-2 --node node-3\n"
    "  kontor cluster status --url http://127.0.0.1:8081\n"
    "  kontor cluster status --watch --url http://10.0.0.1:8080,http://10.0.0.2:8080\n"
    "  kontor cluster add node-4=10.0.0.4:7000 --url http://127.0.0.1:8081\n"
    "  kontor cluster move 3 node-2 --url http://127.0.0.1:8081\n"
    "  kontor cluster rebalance --without node-1 --dry-run --url http://127.0.0.1:8081\n"
    "  kontor cluster in-doubt --url http://127.0.0.1:8081\n"
    "  kontor cluster resolve txn_00_00000001_00000000000c --url http://127.0.0.1:8081\n"
    "\n"
    "How to run a cluster: docs/cluster.md.";

struct Certs {
  std::string dir;
  std::vector<std::string> nodes;
};

struct Status {
  WatchOptions options;
  bool watch = false;
};

int complain(const char* command, int exit_code, const std::string& text) {
  std::cerr << "kontor cluster " << command << ": " << text << '\n';
  return exit_code;
}

int run_certs(const Certs& options) {
  std::string why;
  const auto made = make_authority(options.dir, &why);
  if (!made && made.code() != Errc::already_exists) return complain("certs", kExitCannotCreate, why);
  if (made) std::cout << authority_files(options.dir).certificate.string() << ": the cluster's authority\n";
  for (const std::string& node : options.nodes) {
    if (node.empty() || node.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != node.npos)
      return complain("certs", kExitUsage, "'" + node + "' is no name for a node: a-z, 0-9 and '-'");
    if (const auto signed_one = make_node_certificate(options.dir, node, &why); !signed_one)
      return complain("certs", kExitCannotCreate, why);
    std::cout << node_files(options.dir, node).certificate.string() << ": good for " << kNodeCertificateDays
              << " days\n";
  }
  std::cout << "Give each node ca.pem and its own two files; keep ca.key where no node is.\n";
  return kExitOk;
}

int run_status(const Status& what) {
  if (what.watch) return watch_cluster(what.options, catch_interrupts());
  const auto ask = [](client::Caller& caller) { return caller.get("/v1/cluster"); };
  return client::call_and_print("cluster status", what.options.call, ask);
}

struct Doubts {
  client::CallOptions call;
  client::ListOptions list;
  std::string transaction;
};

void add_doubts(CLI::App& group, int& exit_code) {
  CLI::App* list = group.add_subcommand("in-doubt", "Over HTTP: what is promised on this node and not decided for it");
  const auto listed = std::make_shared<Doubts>();
  client::add_call_options(*list, listed->call, client::Method::get);
  client::add_list_options(*list, listed->list);
  list->final_callback([listed, &exit_code] {
    exit_code = client::print_list("cluster in-doubt", listed->call, listed->list, "/v1/cluster/in-doubt");
  });

  CLI::App* resolve =
      group.add_subcommand("resolve", "Over HTTP: ask now for the end of one, of those who may know or decide it");
  const auto asked = std::make_shared<Doubts>();
  resolve->add_option("transaction", asked->transaction, "txn_…")->required()->type_name("TX");
  client::add_call_options(*resolve, asked->call, client::Method::post);
  resolve->final_callback([asked, &exit_code] {
    exit_code = client::call_and_print("cluster resolve", asked->call, [&](client::Caller& caller) {
      return caller.post("/v1/cluster/in-doubt/" + http::percent_encoded(asked->transaction) + "/resolve");
    });
  });
}

struct NewMember {
  client::CallOptions call;
  std::string text;
};

void add_add(CLI::App& group, int& exit_code) {
  CLI::App* add = group.add_subcommand("add", "Over HTTP: a member more; then rebalance gives it its share");
  const auto member = std::make_shared<NewMember>();
  add->add_option("member", member->text, "Its name, and where the others reach it")
      ->required()
      ->type_name("NAME=HOST:PORT");
  client::add_call_options(*add, member->call, client::Method::post);
  add->final_callback([member, &exit_code] {
    const auto equals = member->text.find('=');
    if (equals == member->text.npos || equals == 0 || equals + 1 == member->text.size()) {
      exit_code = complain("add", kExitUsage, "'" + member->text + "' is no member; write NAME=HOST:PORT");
      return;
    }
    exit_code = client::call_and_print("cluster add", member->call, [&](client::Caller& caller) {
      return caller.post("/v1/cluster/members/" + http::percent_encoded(member->text.substr(0, equals)) + "/add/" +
                         http::percent_encoded(member->text.substr(equals + 1)));
    });
  });
}

void add_moves(CLI::App& group, int& exit_code) {
  CLI::App* move = group.add_subcommand("move", "Over HTTP: a shard to another node, while all of them serve");
  const auto one = std::make_shared<MoveOptions>();
  move->add_option("shard", one->shard, "Its number")->required()->type_name("SHARD");
  move->add_option("node", one->to, "Where it goes")->required()->type_name("NAME");
  client::add_call_options(*move, one->call, client::Method::post);
  move->final_callback([one, &exit_code] { exit_code = move_one_shard(*one, catch_interrupts()); });

  CLI::App* rebalance =
      group.add_subcommand("rebalance", "Over HTTP: as few moves as make all nodes have as many shards as the others");
  const auto all = std::make_shared<MoveOptions>();
  rebalance->add_option("--without", all->without, "Empty this node: it is to leave; may be given several times")
      ->type_name("NAME");
  rebalance->add_flag("--dry-run", all->dry_run, "Only say what would move");
  client::add_call_options(*rebalance, all->call, client::Method::post);
  rebalance->final_callback([all, &exit_code] { exit_code = rebalance_shards(*all, catch_interrupts()); });

  CLI::App* remove =
      group.add_subcommand("remove", "Over HTTP: rebalance --without it; then it can be stopped for good");
  const auto leaver = std::make_shared<MoveOptions>();
  remove->add_option("node", leaver->without, "Which one")->required()->expected(1)->type_name("NAME");
  client::add_call_options(*remove, leaver->call, client::Method::post);
  remove->final_callback([leaver, &exit_code] { exit_code = rebalance_shards(*leaver, catch_interrupts()); });
}

}  // namespace

void add_cluster_command(CLI::App& app, int& exit_code) {
  CLI::App* group = app.add_subcommand(
      "cluster", "Certificates for the nodes of a cluster; where shards are, and moving them; what is in doubt");
  group->require_subcommand(1);
  group->footer(kFooter);

  CLI::App* certs = group->add_subcommand("certs", "Make an authority, if there is none, and a certificate a node");
  const auto options = std::make_shared<Certs>();
  certs->add_option("dir", options->dir, "Where they are written; made when missing")->required()->type_name("DIR");
  certs->add_option("--node", options->nodes, "Once for each node")->required()->type_name("NAME");
  certs->final_callback([options, &exit_code] { exit_code = run_certs(*options); });

  CLI::App* status = group->add_subcommand("status", "Over HTTP: the other members as this node sees them");
  const auto what = std::make_shared<Status>();
  client::add_call_options(*status, what->options.call, client::Method::get);
  auto* watch = status->add_flag("--watch", what->watch,
                                 "All nodes of --url (or NAME=URL; commas between), looked at each second");
  const auto read_duration = [what](const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration) throw CLI::ValidationError("--duration", "'" + text + "' is no duration; write 5, 10s or 1m");
    what->options.duration = *duration;
  };
  status->add_option_function<std::string>("--duration", read_duration, "Watch so long; default: until Ctrl-C")
      ->type_name("TIME")
      ->needs(watch);
  status->final_callback([what, &exit_code] { exit_code = run_status(*what); });
  add_add(*group, exit_code);
  add_moves(*group, exit_code);
  add_doubts(*group, exit_code);
}

}  // namespace kontor::cmd
