#include "cmd/kontor/client/http_client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

namespace kontor::cmd::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kAnswerBytesMax = 64 * 1024 * 1024;  // A list of thousands of orders; no answer fills the memory.
constexpr std::uint32_t kHeaderBytesMax = 64 * 1024;

}  // namespace

std::string_view HttpAnswer::field(std::string_view name) const {
  for (const auto& [own, value] : fields)
    if (beast::iequals(own, name)) return value;
  return {};
}

struct HttpClient::Impl {
  using Secure = beast::ssl_stream<beast::tcp_stream>;

  Impl(Url where, HttpOptions how) : url(std::move(where)), options(std::move(how)) {}

  Url url;
  HttpOptions options;
  asio::io_context context;
  std::optional<ssl::context> trust;
  std::optional<beast::tcp_stream> plain;
  std::optional<Secure> secure;
  beast::flat_buffer buffer;  // May hold the beginning of the next answer.

  bool connected() const { return plain || secure; }
  beast::tcp_stream& lowest() { return secure ? secure->next_layer() : *plain; }
  void disconnect() {
    plain.reset();
    secure.reset();
    buffer.clear();
  }

  /// Starts what ends by calling what it is given, and waits for that end.
  template <class Start>
  error_code finished(Start start) {
    error_code result = asio::error::operation_aborted;
    lowest().expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(options.timeout));
    start([&result](error_code failure, const auto&...) { result = failure; });
    context.restart();
    context.run();
    return result;
  }

  error_code prepare_tls() {
    error_code failure;
    trust.emplace(ssl::context::tls_client);
    if (options.ca_file.empty())
      trust->set_default_verify_paths(failure);
    else
      trust->load_verify_file(options.ca_file, failure);
    trust->set_verify_mode(ssl::verify_peer);
    trust->set_verify_callback(ssl::host_name_verification(url.host));
    return failure;
  }

  /// Empty: connected.
  std::string connect() {
    error_code failure;
    const auto sorry = [&](const std::string& what) {
      disconnect();
      return what + ": " + failure.message();
    };
    const std::string here = url.host + ":" + url.port;
    const auto found = tcp::resolver(context).resolve(url.host, url.port, failure);
    if (failure) return sorry("cannot find " + here);
    if (url.secure) {
      if (!trust) failure = prepare_tls();
      if (failure)
        return sorry("cannot read whom to trust" + (options.ca_file.empty() ? "" : " from " + options.ca_file));
      secure.emplace(context, *trust);
      // An address is no name to ask for; the certificate is checked against it all the same.
      if (url.host.find(':') == std::string::npos && url.host.find_first_not_of("0123456789.") != std::string::npos)
        ::SSL_ctrl(secure->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, url.host.data());
    } else {
      plain.emplace(context);
    }
    failure = finished([&](auto then) { lowest().async_connect(found, then); });
    if (failure) return sorry("cannot connect to " + here);
    lowest().socket().set_option(tcp::no_delay(true), failure);
    if (secure) failure = finished([&](auto then) { secure->async_handshake(ssl::stream_base::client, then); });
    return failure ? sorry("no secure connection to " + here) : std::string();
  }

  template <class Stream>
  HttpExchange exchange_on(Stream& stream, const http::request<http::string_body>& request) {
    HttpExchange out{{}, true, {}};
    error_code failure = finished([&](auto then) { http::async_write(stream, request, then); });
    http::response_parser<http::string_body> parser;
    parser.header_limit(kHeaderBytesMax);
    parser.body_limit(kAnswerBytesMax);
    // Also after a failed write: a server that refuses to read on may have said why.
    const error_code unread = finished([&](auto then) { http::async_read(stream, buffer, parser, then); });
    if (unread) {
      out.why = "no answer: " + (failure ? failure : unread).message();
      disconnect();
      return out;
    }
    const auto& message = parser.get();
    out.answer.emplace();
    out.answer->status = message.result_int();
    for (const auto& field : message) out.answer->fields.emplace_back(field.name_string(), field.value());
    const bool stays = message.keep_alive() && !failure;
    out.answer->body = std::move(parser.get().body());
    if (!stays) disconnect();
    return out;
  }

  http::request<http::string_body> message(const HttpRequest& request) const {
    http::request<http::string_body> out(http::string_to_verb(request.method), request.target, 11);
    out.set(http::field::host, url.authority());
    out.set(http::field::user_agent, "kontor");
    out.set(http::field::accept, "application/json, */*");
    if (!options.api_key.empty()) out.set(http::field::authorization, "Bearer " + options.api_key);
    for (const auto& [name, value] : request.fields) out.set(name, value);
    out.body() = request.body;
    out.prepare_payload();
    return out;
  }
};

HttpClient::HttpClient(Url url, HttpOptions options)
    : impl_(std::make_unique<Impl>(std::move(url), std::move(options))) {}
HttpClient::~HttpClient() = default;

HttpExchange HttpClient::exchange(const HttpRequest& request) {
  const auto message = impl_->message(request);
  const bool kept = impl_->connected();
  if (!kept)
    if (std::string why = impl_->connect(); !why.empty()) return {{}, false, std::move(why)};
  HttpExchange out =
      impl_->secure ? impl_->exchange_on(*impl_->secure, message) : impl_->exchange_on(*impl_->plain, message);
  if (out.answer || !kept) return out;
  out = exchange(request);  // A connection that the server ended while nothing was asked shows only now.
  out.sent = true;
  return out;
}

}  // namespace kontor::cmd::client
