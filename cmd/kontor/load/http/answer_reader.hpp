#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace kontor::cmd {

/// Reads HTTP/1.1 answers from the bytes of one connection and looks at no more of them than a load run needs: the
/// status, where the body ends, and whether the connection stays. An answer must have a Content-Length or be chunked.
class AnswerReader {
 public:
  enum class State {
    more,    ///< The answer is not whole yet.
    whole,   ///< status() and body() tell it, until begin().
    broken,  ///< This is no such answer, it is beyond the bound, or bytes follow that nobody asked for.
  };
  static constexpr std::size_t kAnswerBytesMax = 16 * 1024 * 1024;  // A batch of thousands of checkouts takes 1 MB.

  /// Room for the next bytes to be received into; `received` says how many there are.
  char* room(std::size_t bytes);
  State received(std::size_t bytes);

  unsigned status() const { return status_; }
  std::string_view body() const { return chunked_ ? std::string_view(decoded_) : whole_body(); }
  bool stays_open() const { return stays_open_; }
  /// Forgets what was read, before the next answer.
  void begin();

 private:
  std::string_view whole_body() const { return std::string_view(bytes_).substr(header_size_, length_); }
  State read_header();
  bool read_field(std::string_view line);
  State read_chunks();

  std::string bytes_;
  std::size_t size_ = 0;  ///< Of `bytes_`, received.
  std::size_t header_size_ = 0;
  std::size_t length_ = 0;  ///< Of a body that is not chunked.
  std::size_t at_ = 0;      ///< Where the next chunk begins.
  unsigned status_ = 0;
  bool has_length_ = false, chunked_ = false, stays_open_ = true;
  std::string decoded_;
};

}  // namespace kontor::cmd
