#include "cmd/kontor/load/http/seed_exchanges.hpp"

#include <limits>

namespace kontor::cmd {

std::string_view text_member(std::string_view json, std::string_view name) {
  const std::string start = "\"" + std::string(name) + "\":\"";
  const auto at = json.find(start);
  if (at == json.npos) return {};
  json.remove_prefix(at + start.size());
  return json.substr(0, json.find('"'));
}

Errc code_of(std::string_view problem) {
  const std::string_view name = text_member(problem, "code");
  for (unsigned number = 1; number <= std::numeric_limits<std::uint8_t>::max(); ++number)
    if (to_string(static_cast<Errc>(number)) == name) return static_cast<Errc>(number);
  return Errc::invalid_argument;
}

void SeedExchanges::submit(std::span<const Request> requests, const OnOutcomes& then) {
  requests_ = requests;
  parts_.clear();
  outcomes_.assign(requests.size(), {});
  next_part_ = 0;
  asked_.resize(connections_.count());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    outcomes_[i].index = static_cast<std::uint32_t>(i);
    outcomes_[i].verdict = Verdict::committed;  // Until a part of it is not.
    const auto* receive = std::get_if<ReceiveStock>(&requests[i].operation);
    for (std::size_t line = 0; line < (receive ? receive->lines.size() : 1); ++line) parts_.push_back({i, line});
  }
  std::string why;
  if (!connections_.run(
          *this, [] {}, why)) {
    why_ = why;
    for (Outcome& outcome : outcomes_) outcome.verdict = Verdict::unknown, outcome.error = {Errc::shutting_down, {}};
  }
  then(outcomes_);
}

bool SeedExchanges::next(std::size_t slot, std::string& out) {
  if (next_part_ == parts_.size()) return false;
  const Part part = parts_[next_part_++];
  asked_[slot] = part.request;
  text_.seed(requests_[part.request], part.line, out);
  return true;
}

void SeedExchanges::answered(std::size_t slot, unsigned status, std::string_view body) {
  if (status == 201) return;
  Outcome& outcome = outcomes_[asked_[slot]];
  outcome.verdict = status == 202 ? Verdict::unknown : Verdict::aborted;
  outcome.error = {code_of(body), {}};
  if (advice(outcome.error.code) != Advice::change_request || outcome.error.code == Errc::already_exists) return;
  why_ = "the server answered " + std::to_string(status);
  if (const auto detail = text_member(body, "detail"); !detail.empty()) why_.append(": ").append(detail);
}

void SeedExchanges::lost(std::size_t slot) {
  outcomes_[asked_[slot]].verdict = Verdict::unknown;
  outcomes_[asked_[slot]].error = {Errc::outcome_unknown, {}};
}

}  // namespace kontor::cmd
