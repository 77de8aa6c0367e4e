#include "cmd/kontor/serve/options.hpp"

#include <charconv>
#include <chrono>
#include <vector>

#include <CLI/CLI.hpp>

#include "cmd/http/server.hpp"
#include "cmd/kontor/cluster/certificates.hpp"
#include "cmd/kontor/serve/rate_limit.hpp"
#include "domain/limits.hpp"

namespace kontor::cmd::serve {
namespace {

constexpr std::size_t kLanesMax = 64;

/// A number of hours or days, or `forever`, which is 0. None: it is no such thing, or out of bounds.
std::optional<std::chrono::hours> parse_key_retention(const std::string& text) {
  if (text == "forever") return std::chrono::hours(0);
  std::uint32_t count = 0;
  const char* end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || unit + 1 != end || (*unit != 'h' && *unit != 'd')) return {};
  const std::chrono::hours hours{std::int64_t{count} * (*unit == 'd' ? 24 : 1)};
  if (hours < kKeyRetentionMin || hours > kKeyRetentionMax) return {};
  return hours;
}

std::string why_no_key_retention(const std::string& text) {
  if (parse_key_retention(text)) return {};
  return "'" + text + "': keys are kept for " + std::to_string(kKeyRetentionMin.count()) + "h at least and " +
         std::to_string(kKeyRetentionMax.count() / 24) + "d at most, or forever";
}

void add_engine_options(CLI::App& command, Options& options) {
  command.add_option("--data", options.dir, "Directory; made when missing")->type_name("DIR")->capture_default_str();
  command.add_option("--shards", options.shards, "Shards of a new directory; default 1")
      ->check(CLI::Range(std::size_t{1}, kShardsMax));
  std::vector<std::string> protocols;
  protocols.reserve(commit::kProtocols.size());
  for (const commit::Protocol protocol : commit::kProtocols) protocols.emplace_back(to_string(protocol));
  command
      .add_option_function<std::string>(
          "--protocol", [&options](const std::string& text) { options.protocol = *commit::parse_protocol(text); },
          "How shards agree when a request does not say; default two_phase")
      ->check(CLI::IsMember(protocols));
  command
      .add_option_function<std::string>(
          "--key-retention",
          [&options](const std::string& text) { options.key_retention = *parse_key_retention(text); },
          "How long idempotency keys are kept: 24h, 7d, forever; default 24h, which is the least")
      ->type_name("TIME")
      ->check(CLI::Validator(why_no_key_retention, ""));
}

void add_access_options(CLI::App& command, Options& options) {
  command.add_option("--keys", options.keys, "API keys; default keys.json in the directory, if it is there")
      ->type_name("FILE");
  auto* certificate = command.add_option("--tls-cert", options.tls_certificate, "Speak TLS: the chain, in PEM");
  auto* key = command.add_option("--tls-key", options.tls_key, "Its key, in PEM, without a passphrase");
  certificate->type_name("FILE")->needs(key);
  key->type_name("FILE")->needs(certificate);
  command.add_flag("--behind-proxy", options.behind_proxy, "Serve other addresses than loopback in the clear");
}

void add_cluster_options(CLI::App& command, Options& options) {
  auto* node = command.add_option("--node", options.node, "Be this member of a cluster")->type_name("NAME");
  auto* members = command.add_option("--member", options.members,
                                     "A member of the cluster and where the others reach it; once for each, alike and "
                                     "in the same order on all of them");
  auto* certificates = command.add_option("--cluster-certs", options.cluster_certificates,
                                          "Holds ca.pem, NAME.pem and NAME.key; see `kontor cluster certs`");
  auto* listen = command.add_option("--cluster-listen", options.cluster_listen,
                                    "Address for the other members; default: the host of the own --member");
  members->type_name("NAME=HOST:PORT")->needs(node);
  certificates->type_name("DIR")->needs(node);
  listen->type_name("ADDRESS")->needs(node);
  command.add_flag("--join", options.join, "The cluster is there, and this member is new: it begins without shards")
      ->needs(node);
  node->needs(members)->needs(certificates);
}

void add_log_options(CLI::App& command, Options& options) {
  command
      .add_option_function<std::string>(
          "--log-file", [&options](const std::string& text) { options.log.file = text; },
          "Log to this file, opened again on SIGHUP; default: standard error")
      ->type_name("FILE");
  std::vector<std::string> levels;
  levels.reserve(kLogLevels.size());
  for (const LogLevel level : kLogLevels) levels.emplace_back(to_string(level));
  command
      .add_option_function<std::string>(
          "--log-level", [&options](const std::string& text) { options.log.level = *parse_log_level(text); },
          "The least that is logged; default info")
      ->check(CLI::IsMember(levels));
  command
      .add_option_function<std::string>(
          "--log-format",
          [&options](const std::string& text) {
            options.log.format = text == "json" ? LogFormat::json : LogFormat::text;
          },
          "How a line is written; default text")
      ->check(CLI::IsMember({"text", "json"}));
}

}  // namespace

void add_options(CLI::App& command, Options& options) {
  command.add_option("--listen", options.listen, "An address and a port, or a port of 127.0.0.1; 0: any that is free")
      ->type_name("ADDRESS:PORT")
      ->capture_default_str();
  command.add_option("--lanes", options.lanes, "Threads that speak HTTP")
      ->check(CLI::Range(std::size_t{1}, kLanesMax))
      ->capture_default_str();
  command
      .add_option("--rate-limit", options.rate_limit, "Requests a second of one API key or address; default: no bound")
      ->type_name("N")
      ->check(CLI::Range(1U, kRateLimitPerSecondMax));
  add_engine_options(command, options);
  add_access_options(command, options);
  add_cluster_options(command, options);
  add_log_options(command, options);
}

std::optional<Member> member_at(std::string_view node, std::string_view address) {
  const auto colon = address.rfind(':');
  if (node.empty() || colon == address.npos || colon == 0) return {};
  std::uint16_t port = 0;
  const char* end = address.data() + address.size();
  const auto [read, wrong] = std::from_chars(address.data() + colon + 1, end, port);
  if (wrong != std::errc() || read != end || port == 0) return {};
  return Member{std::string(node), std::string(address.substr(0, colon)), port};
}

std::optional<ClusterOptions> cluster_of(const Options& options, std::string& why) {
  ClusterOptions cluster;
  cluster.node = options.node, cluster.shards = options.shards, cluster.listen_address = options.cluster_listen;
  cluster.joins = options.join;
  for (const std::string& text : options.members) {
    const std::string_view view = text;
    const auto equals = view.find('=');
    const auto member = equals == view.npos ? std::nullopt : member_at(view.substr(0, equals), view.substr(equals + 1));
    if (!member) {
      why = "'" + text + "' is no member; write NAME=HOST:PORT";
      return {};
    }
    cluster.members.push_back(*member);
  }
  const CertificateFiles files = node_files(options.cluster_certificates, options.node);
  cluster.certificate = files.certificate, cluster.key = files.key;
  cluster.authority = authority_files(options.cluster_certificates).certificate;
  return cluster;
}

}  // namespace kontor::cmd::serve
