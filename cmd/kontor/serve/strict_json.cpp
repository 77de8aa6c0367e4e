#include "cmd/kontor/serve/strict_json.hpp"

#include <array>
#include <optional>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kStackBytes = 2 * 1024;  // Of values whose object or array has not ended; beyond: the heap.

/// Builds the value while the parser reads, and knows where it is: the names Boost.JSON's parser calls are fixed.
class Builder {
 public:
  static constexpr std::size_t max_object_size = kObjectMembersMax;
  static constexpr std::size_t max_array_size = kJsonArrayElementsMax;
  static constexpr std::size_t max_key_size = 1u << 20;
  static constexpr std::size_t max_string_size = 1u << 20;

  explicit Builder(json::storage_ptr storage) {
    stack.reset(std::move(storage));
    frames_.reserve(kJsonDepthMax);
    keys_.reserve(kObjectMembersMax);
  }

  bool on_document_begin(ErrorCode&) { return true; }
  bool on_document_end(ErrorCode&) { return true; }
  bool on_object_begin(ErrorCode&) { return open(false); }
  bool on_object_end(std::size_t members, ErrorCode&) {
    stack.push_object(members);
    return close();
  }
  bool on_array_begin(ErrorCode&) { return open(true); }
  bool on_array_end(std::size_t elements, ErrorCode&) {
    stack.push_array(elements);
    return close();
  }
  bool on_key_part(std::string_view part, std::size_t, ErrorCode&) {
    pending_ += part;
    return true;
  }
  bool on_key(std::string_view part, std::size_t, ErrorCode& failure) {
    pending_ += part;
    for (std::size_t i = frames_.back().first_key; i < keys_.size(); ++i)
      if (keys_[i] == pending_) return keys_.push_back(pending_), refuse("the member is there twice", failure);
    stack.push_key(pending_);
    keys_.push_back(std::move(pending_));
    pending_.clear();
    return true;
  }
  bool on_string_part(std::string_view part, std::size_t, ErrorCode&) {
    stack.push_chars(part);
    return true;
  }
  bool on_string(std::string_view part, std::size_t, ErrorCode&) {
    stack.push_string(part);
    return next();
  }
  bool on_number_part(std::string_view, ErrorCode&) { return true; }
  bool on_int64(std::int64_t number, std::string_view, ErrorCode&) {
    stack.push_int64(number);
    return next();
  }
  bool on_uint64(std::uint64_t, std::string_view, ErrorCode& failure) {
    return refuse("the number is out of range", failure);
  }
  bool on_double(double, std::string_view, ErrorCode& failure) {
    return refuse("only integers of 64 bits are numbers here, without point or exponent", failure);
  }
  bool on_bool(bool value, ErrorCode&) {
    stack.push_bool(value);
    return next();
  }
  bool on_null(ErrorCode&) {
    stack.push_null();
    return next();
  }
  bool on_comment_part(std::string_view, ErrorCode&) { return true; }
  bool on_comment(std::string_view, ErrorCode&) { return true; }

  std::string pointer() const {
    std::string out;
    for (std::size_t i = 0; i < frames_.size(); ++i) {
      const Frame& frame = frames_[i];
      const std::size_t keys_end = i + 1 < frames_.size() ? frames_[i + 1].first_key : keys_.size();
      if (frame.array)
        out += "/" + std::to_string(frame.index);
      else if (keys_end > frame.first_key)
        out += "/" + pointer_token(keys_[keys_end - 1]);
    }
    return out;
  }

  std::array<unsigned char, kStackBytes> space;  // Before the stack that uses it.
  json::value_stack stack{{}, space.data(), space.size()};
  std::string_view why;  ///< Set when the builder refused and not the parser.

 private:
  struct Frame {
    bool array = false;
    std::size_t index = 0, first_key = 0;
  };

  bool open(bool array) {
    frames_.push_back({array, 0, keys_.size()});
    return true;
  }
  bool close() {
    keys_.resize(frames_.back().first_key);
    frames_.pop_back();
    return next();
  }
  bool next() {
    if (!frames_.empty() && frames_.back().array) ++frames_.back().index;
    return true;
  }
  bool refuse(std::string_view reason, ErrorCode& failure) {
    why = reason;
    failure = json::make_error_code(json::error::syntax);
    return false;
  }

  std::vector<Frame> frames_;
  std::vector<std::string> keys_;  ///< Of all open objects, one after the other.
  std::string pending_;
};

std::string_view words(const ErrorCode& failure) {
  if (failure == json::error::too_deep) return "nested deeper than 16 levels";
  if (failure == json::error::object_too_large) return "an object has more than 32 members";
  if (failure == json::error::array_too_large) return "an array has more than 4096 elements";
  if (failure == json::error::incomplete) return "the JSON text is incomplete";
  if (failure == json::error::extra_data) return "something follows the JSON text";
  if (failure == json::error::illegal_leading_surrogate || failure == json::error::illegal_trailing_surrogate)
    return "an escape is half of a surrogate pair";
  return "this is not JSON";
}

}  // namespace

std::string pointer_token(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

std::variant<json::value, Problem> parse_strict(std::string_view text, json::storage_ptr storage) {
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  json::basic_parser<Builder> parser(options, std::move(storage));
  ErrorCode failure;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), failure);
  if (!failure && read < text.size()) failure = json::make_error_code(json::error::extra_data);
  if (!failure) return parser.handler().stack.release();
  const Builder& builder = parser.handler();
  Problem problem;
  problem.detail = builder.why.empty() ? words(failure) : builder.why;
  problem.param = builder.pointer();
  return problem;
}

}  // namespace kontor::cmd::serve
