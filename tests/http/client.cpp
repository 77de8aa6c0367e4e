#include "tests/http/client.hpp"

#include <cctype>
#include <stdexcept>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <poll.h>

#include "tests/support/within_network.hpp"

namespace kontor::tests {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr int kSilenceMs = 20'000;

}  // namespace

struct Client::Impl {
  std::uint16_t port = 0;
  std::optional<int> network;
  asio::io_context context;
  std::optional<tcp::socket> socket;
  boost::beast::flat_buffer buffer;

  void connect() {
    const testing::WithinNetwork there(network);
    buffer.clear();
    socket.emplace(context);
    socket->connect({asio::ip::make_address("127.0.0.1"), port});
    socket->set_option(tcp::no_delay(true));
  }
};

Client::Client(std::uint16_t port, std::optional<int> network) : impl_(std::make_unique<Impl>()) {
  impl_->port = port, impl_->network = network;
}
Client::Client(Client&&) noexcept = default;
Client::~Client() = default;

std::string post_text(const std::string& path, const std::string& body, const std::string& key, const Headers& more) {
  std::string text = "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n";
  bool typed = false;
  for (const auto& [name, value] : more) {
    text += name + ": " + value + "\r\n";
    typed = typed || name == "Content-Type";
  }
  if (!typed) text += "Content-Type: application/json\r\n";
  if (!key.empty()) text += "Idempotency-Key: " + key + "\r\n";
  return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

Answer Client::get(const std::string& path, const Headers& more) {
  std::string text = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n";
  for (const auto& [name, value] : more) text += name + ": " + value + "\r\n";
  return raw(text + "\r\n");
}

Answer Client::post(const std::string& path, const std::string& body, const std::string& key, const Headers& more) {
  return raw(post_text(path, body, key, more));
}

bool Client::send(std::string_view bytes) {
  if (!impl_->socket) impl_->connect();
  boost::system::error_code failure;
  asio::write(*impl_->socket, asio::buffer(bytes), failure);
  return !failure;
}

std::optional<Answer> Client::receive() {
  if (!impl_->socket) return {};
  http::response_parser<http::string_body> parser;
  parser.body_limit(1u << 30);
  pollfd readable{impl_->socket->native_handle(), POLLIN, 0};
  if (impl_->buffer.size() == 0 && ::poll(&readable, 1, kSilenceMs) != 1) return {};
  boost::system::error_code failure;
  http::read(*impl_->socket, impl_->buffer, parser, failure);
  if (failure) {
    impl_->socket.reset();
    return {};
  }
  Answer answer;
  answer.status = parser.get().result_int();
  for (const auto& field : parser.get()) {
    std::string name(field.name_string());
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    answer.fields[name] = std::string(field.value());
  }
  answer.body = std::move(parser.get().body());
  if (!parser.keep_alive()) impl_->socket.reset();
  return answer;
}

Answer Client::raw(std::string_view bytes) {
  // A connection that the server ended meanwhile shows only now.
  for (int attempt = 0; attempt < 2; ++attempt) {
    const bool fresh = !impl_->socket;
    send(bytes);
    if (auto answer = receive()) return *answer;
    if (fresh) break;
  }
  throw std::runtime_error("no answer to: " + std::string(bytes.substr(0, 200)));
}

void Client::close() { impl_->socket.reset(); }

}  // namespace kontor::tests
