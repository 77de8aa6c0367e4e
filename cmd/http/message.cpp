#include "cmd/http/message.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace kontor::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

const std::string* Request::field(std::string_view name) const {
  const auto it = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return same_name(f.name, name); });
  return it == fields.end() ? nullptr : &it->value;
}

std::size_t Request::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(), [&](const Field& f) { return same_name(f.name, name); }));
}

std::string_view reason(unsigned status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unlisted";
  }
}

std::string head_text(const Response& response, const Request& request, bool chunked) {
  std::string out;
  out.reserve(256 + response.body.size());
  const auto line = [&out](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
  };
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ").append(reason(response.status));
  out.append("\r\n");
  line("Content-Type", response.content_type);
  if (chunked)
    line("Transfer-Encoding", "chunked");
  else
    line("Content-Length", std::to_string(response.body.size()));
  if (!request.id.empty()) line("Request-Id", request.id);
  for (const Field& field : response.fields) line(field.name, field.value);
  if (response.close) line("Connection", "close");
  out.append("\r\n");
  return out;
}

std::string chunk_text(std::string_view data) {
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr;
  std::string out(size.data(), end);
  out.append("\r\n").append(data).append("\r\n");
  return out;
}

}  // namespace kontor::http
