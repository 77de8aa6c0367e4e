#include "cmd/kontor/load/http/answer_reader.hpp"

#include <charconv>

namespace kontor::cmd {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kVersion = "HTTP/1.1 ";
constexpr std::size_t kStatusDigits = 3;

/// `text` begins with `name`, written in small letters, whatever its own capitals; what comes after it, without spaces.
bool take_name(std::string_view text, std::string_view name, std::string_view& value) {
  if (text.size() <= name.size() || text[name.size()] != ':') return false;
  for (std::size_t i = 0; i < name.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) | 0x20U) != static_cast<unsigned char>(name[i])) return false;
  value = text.substr(name.size() + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  return true;
}

bool read_number(std::string_view text, int base, std::size_t& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return failure == std::errc{} && end == text.data() + text.size();
}

}  // namespace

char* AnswerReader::room(std::size_t bytes) {
  if (bytes_.size() < size_ + bytes) bytes_.resize(size_ + bytes);
  return bytes_.data() + size_;
}

AnswerReader::State AnswerReader::received(std::size_t bytes) {
  size_ += bytes;
  if (size_ > kAnswerBytesMax) return State::broken;
  if (header_size_ == 0)
    if (const State state = read_header(); state != State::whole) return state;
  if (chunked_) return read_chunks();
  if (size_ < header_size_ + length_) return State::more;
  return size_ == header_size_ + length_ ? State::whole : State::broken;
}

void AnswerReader::begin() {
  size_ = header_size_ = length_ = at_ = 0;
  status_ = 0;
  has_length_ = chunked_ = false;
  stays_open_ = true;
  decoded_.clear();
}

/// whole: the header is.
AnswerReader::State AnswerReader::read_header() {
  const std::string_view text(bytes_.data(), size_);
  const auto end = text.find("\r\n\r\n");
  if (end == text.npos) return State::more;
  std::size_t status = 0;
  if (!text.starts_with(kVersion) || !read_number(text.substr(kVersion.size(), kStatusDigits), 10, status))
    return State::broken;
  status_ = static_cast<unsigned>(status);
  std::string_view fields = text.substr(0, end + kLineEnd.size());
  for (fields.remove_prefix(fields.find(kLineEnd) + kLineEnd.size()); !fields.empty();) {
    const auto size = fields.find(kLineEnd);
    if (!read_field(fields.substr(0, size))) return State::broken;
    fields.remove_prefix(size + kLineEnd.size());
  }
  if (has_length_ == chunked_) return State::broken;
  header_size_ = at_ = end + 2 * kLineEnd.size();
  return State::whole;
}

bool AnswerReader::read_field(std::string_view line) {
  std::string_view value;
  if (take_name(line, "content-length", value)) {
    const bool first = !has_length_;
    has_length_ = true;
    return first && read_number(value, 10, length_);
  }
  if (take_name(line, "transfer-encoding", value)) return chunked_ = value == "chunked";
  if (take_name(line, "connection", value)) stays_open_ = value != "close";
  return true;
}

AnswerReader::State AnswerReader::read_chunks() {
  const std::string_view text(bytes_.data(), size_);
  for (;;) {
    const auto line_end = text.find(kLineEnd, at_);
    if (line_end == text.npos) return State::more;
    std::size_t length = 0;
    if (!read_number(text.substr(at_, line_end - at_), 16, length) || length > kAnswerBytesMax) return State::broken;
    const std::size_t begin = line_end + kLineEnd.size(), end = begin + length + kLineEnd.size();
    if (size_ < end) return State::more;
    if (text.substr(begin + length, kLineEnd.size()) != kLineEnd) return State::broken;
    decoded_.append(text.substr(begin, length));
    at_ = end;
    if (length == 0) return at_ == size_ ? State::whole : State::broken;  // Without trailers: we ask for none.
  }
}

}  // namespace kontor::cmd
