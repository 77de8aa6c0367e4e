#pragma once
#include <string>
#include <string_view>

#include "domain/operations.hpp"

namespace kontor::cmd {

/// Writes requests as HTTP/1.1, from parts that are made beforehand. Names must need no escapes in JSON and in paths; a
/// workload's do not.
class RequestText {
 public:
  /// `authority`: what the Host field says. `api_key` empty: none.
  RequestText(std::string_view authority, std::string_view api_key);

  /// One checkout.
  void checkout(const Request& request, std::string& out);
  /// Many, as one batch: `add_to_batch` for each, then `batch`.
  void add_to_batch(const Request& request);
  void batch(std::string& out);
  /// What a seeding asks for: an account, a deposit, a product, or line `line` of a receipt.
  void seed(const Request& request, std::size_t line, std::string& out);

 private:
  void post(std::string_view path, std::string_view type, std::string_view key, std::string& out);

  std::string fields_;  ///< After the request line, the same for all.
  std::string body_;
};

}  // namespace kontor::cmd
