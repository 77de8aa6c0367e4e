#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

namespace kontor::tests {

struct Answer {
  unsigned status = 0;
  std::map<std::string, std::string> fields;  ///< Names in small letters.
  std::string body;

  boost::json::value json() const { return boost::json::parse(body); }
  std::string text(const char* member) const { return std::string(json().at(member).as_string()); }
  std::string code() const { return text("code"); }
  std::string param() const {
    const auto value = json();
    const auto* found = value.as_object().if_contains("param");
    return found ? std::string(found->as_string()) : std::string();
  }
  std::string field(const std::string& name) const {
    const auto it = fields.find(name);
    return it == fields.end() ? std::string() : it->second;
  }
};

using Headers = std::vector<std::pair<std::string, std::string>>;

/// A blocking HTTP client on one connection; connects again when the server ended it. Waits at most 20 seconds.
class Client {
 public:
  /// `network`: the descriptor of the network namespace whose loopback is meant; none: this thread's.
  explicit Client(std::uint16_t port, std::optional<int> network = {});
  Client(Client&&) noexcept;
  ~Client();

  Answer get(const std::string& path, const Headers& more = {});
  /// `key` empty: no Idempotency-Key.
  Answer post(const std::string& path, const std::string& body, const std::string& key, const Headers& more = {});

  /// Bytes as they are. False: the server has gone.
  bool send(std::string_view bytes);
  /// The next answer. None: the server ended the connection, or is silent.
  std::optional<Answer> receive();
  /// Both. Must be answered.
  Answer raw(std::string_view bytes);
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string post_text(const std::string& path, const std::string& body, const std::string& key,
                      const Headers& more = {});

}  // namespace kontor::tests
