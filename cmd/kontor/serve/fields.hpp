#pragma once
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "cmd/kontor/serve/problem.hpp"
#include "domain/operations.hpp"

namespace kontor::cmd::serve {

/// Why a request is refused: by what comes first. Of faults in what it says, up to kFaultsMax are told, of each place
/// one.
class Refusal {
 public:
  /// A fault in what the request says, at `param`.
  void set(Errc code, std::string param, std::string_view detail);
  /// Something else; says nothing of faults.
  void set(Problem problem) {
    if (!problem_) problem_ = std::move(problem);
  }
  explicit operator bool() const { return problem_.has_value(); }
  /// No further fault would be told.
  bool full() const { return problem_ && (problem_->faults.empty() || problem_->faults.size() >= kFaultsMax); }
  const Problem& problem() const { return *problem_; }

 private:
  std::optional<Problem> problem_;
};

/// Reads the members of one JSON object, each by name and type; `end` refuses what nobody asked for. What is missing or
/// wrong is noted in the refusal, and a default stands in for it, so that a decoder reads straight on.
class Fields {
 public:
  /// `pointer`: where `value` is in the body. A value that is no object is refused.
  Fields(const boost::json::value& value, std::string pointer, Refusal& refusal);

  bool has(std::string_view name) const;
  AccountId account(std::string_view name);
  Sku sku(std::string_view name);
  Currency currency(std::string_view name);
  /// `{"amount":1999,"currency":"GBP"}` with an amount of at least `least`.
  Money money(std::string_view name, Minor least);
  std::int64_t integer(std::string_view name, std::int64_t least, std::int64_t most);
  bool flag(std::string_view name);
  /// Text of 1 to `bytes_max` bytes.
  std::string_view text(std::string_view name, std::size_t bytes_max);
  /// An array of `least` to `most` elements, else an empty one.
  const boost::json::array& list(std::string_view name, std::size_t least, std::size_t most);
  const boost::json::value& object(std::string_view name);
  void end();

  std::string pointer_to(std::string_view name) const;
  Refusal& refusal() { return refusal_; }

 private:
  const boost::json::value* find(std::string_view name);
  void wrong(std::string_view name, std::string_view detail, Errc code = Errc::invalid_argument) {
    refusal_.set(code, pointer_to(name), detail);
  }
  template <class Name>
  Name name_of(std::string_view name);

  const boost::json::object* object_ = nullptr;
  std::string pointer_;
  Refusal& refusal_;
  std::array<std::string_view, 12> asked_;
  std::size_t asked_count_ = 0, found_ = 0;
};

}  // namespace kontor::cmd::serve
