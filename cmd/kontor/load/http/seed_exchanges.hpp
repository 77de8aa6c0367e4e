#pragma once
#include <span>
#include <string>
#include <vector>

#include "actors/engine.hpp"
#include "cmd/kontor/load/http/connections.hpp"
#include "cmd/kontor/load/http/request_text.hpp"

namespace kontor::cmd {

/// Carries what seeding.hpp submits to an engine over HTTP instead; a receipt of many products becomes one of each.
class SeedExchanges final : public Exchanges {
 public:
  SeedExchanges(Connections& connections, RequestText& text) : connections_(connections), text_(text) {}

  /// Returns when all are answered, which `then` was told meanwhile.
  void submit(std::span<const Request> requests, const OnOutcomes& then);
  /// Why the server, or what it said, stopped it; empty: nothing did.
  const std::string& why() const { return why_; }

  bool next(std::size_t slot, std::string& out) override;
  void answered(std::size_t slot, unsigned status, std::string_view body) override;
  void lost(std::size_t slot) override;

 private:
  struct Part {
    std::size_t request = 0, line = 0;
  };

  Connections& connections_;
  RequestText& text_;
  std::span<const Request> requests_;
  std::vector<Part> parts_;
  std::size_t next_part_ = 0;
  std::vector<std::size_t> asked_;  ///< By connection: which request it is busy with.
  std::vector<Outcome> outcomes_;
  std::string why_;
};

/// The error that `code` names in a problem, or invalid_argument for one that this program does not know.
Errc code_of(std::string_view problem);
/// The text of member `name` of a flat JSON object as the server writes it, without parsing it; empty: it has none.
std::string_view text_member(std::string_view json, std::string_view name);

}  // namespace kontor::cmd
