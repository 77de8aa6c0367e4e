#include "cmd/kontor/serve/fields.hpp"

#include <algorithm>
#include <cassert>

#include "cmd/kontor/serve/strict_json.hpp"

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;

const json::array kNoElements;
const json::value kNothing = json::object();

std::string between(std::string_view what, std::int64_t least, std::int64_t most) {
  return std::string(what) + " must be from " + std::to_string(least) + " to " + std::to_string(most);
}

}  // namespace

void Refusal::set(Errc code, std::string param, std::string_view detail) {
  if (!problem_)
    problem_ = Problem{code, std::string(detail), param, 0, {}, {}};
  else if (full())
    return;
  std::vector<Fault>& faults = problem_->faults;
  const auto there = [&](const Fault& fault) { return fault.param == param; };
  if (std::none_of(faults.begin(), faults.end(), there))
    faults.push_back({code, std::move(param), std::string(detail)});
}

Fields::Fields(const json::value& value, std::string pointer, Refusal& refusal)
    : object_(value.if_object()), pointer_(std::move(pointer)), refusal_(refusal) {
  if (!object_) refusal_.set(Errc::invalid_argument, pointer_, "an object is needed");
}

bool Fields::has(std::string_view name) const { return object_ && object_->contains(name); }

const json::value* Fields::find(std::string_view name) {
  assert(asked_count_ < asked_.size());
  asked_[asked_count_++] = name;
  const json::value* value = object_ ? object_->if_contains(name) : nullptr;
  if (value)
    ++found_;
  else if (object_)  // Else it is said of the object.
    wrong(name, "is missing");
  return value;
}

template <class Name>
Name Fields::name_of(std::string_view name) {
  const json::value* value = find(name);
  if (!value) return {};
  const json::string* text = value->if_string();
  if (!text) return wrong(name, "a string is needed"), Name{};
  const auto parsed = Name::parse(*text);
  if (parsed) return *parsed;
  if (parsed.code() == Errc::too_large)
    wrong(name, "longer than " + std::to_string(Name::kBytesMax) + " bytes", Errc::too_large);
  else
    wrong(name, "must not be empty or have control characters");
  return {};
}

AccountId Fields::account(std::string_view name) { return name_of<AccountId>(name); }
Sku Fields::sku(std::string_view name) { return name_of<Sku>(name); }

Currency Fields::currency(std::string_view name) {
  const json::value* value = find(name);
  if (!value) return {};
  const json::string* text = value->if_string();
  const auto parsed = text ? parse_currency(*text) : Result<Currency>(Error{Errc::invalid_argument, ""});
  if (parsed) return *parsed;
  wrong(name, "a currency's code in capitals is needed, e.g. GBP");
  return {};
}

Money Fields::money(std::string_view name, Minor least) {
  const json::value* value = find(name);
  if (!value) return {};
  Fields fields(*value, pointer_to(name), refusal_);
  Money money;
  money.minor = fields.integer("amount", least, kAmountMinorMax);
  money.currency = fields.currency("currency");
  fields.end();
  return money;
}

std::int64_t Fields::integer(std::string_view name, std::int64_t least, std::int64_t most) {
  const json::value* value = find(name);
  if (!value) return least;
  const std::int64_t* number = value->if_int64();
  if (!number) return wrong(name, "an integer is needed"), least;
  if (*number > most) return wrong(name, between("it", least, most), Errc::too_large), least;
  if (*number < least) return wrong(name, between("it", least, most)), least;
  return *number;
}

bool Fields::flag(std::string_view name) {
  const json::value* value = find(name);
  if (!value) return false;
  if (const bool* flag = value->if_bool()) return *flag;
  wrong(name, "true or false is needed");
  return false;
}

std::string_view Fields::text(std::string_view name, std::size_t bytes_max) {
  const json::value* value = find(name);
  if (!value) return {};
  const json::string* text = value->if_string();
  if (!text) return wrong(name, "a string is needed"), std::string_view();
  if (text->empty()) return wrong(name, "must not be empty"), std::string_view();
  if (text->size() > bytes_max)
    return wrong(name, "longer than " + std::to_string(bytes_max) + " bytes", Errc::too_large), std::string_view();
  return *text;
}

const json::array& Fields::list(std::string_view name, std::size_t least, std::size_t most) {
  const json::value* value = find(name);
  if (!value) return kNoElements;
  const json::array* elements = value->if_array();
  if (!elements) return wrong(name, "an array is needed"), kNoElements;
  if (elements->size() < least) return wrong(name, "must not be empty"), kNoElements;
  if (elements->size() > most)
    return wrong(name, "more than " + std::to_string(most) + " elements", Errc::too_large), kNoElements;
  return *elements;
}

const json::value& Fields::object(std::string_view name) {
  const json::value* value = find(name);
  return value ? *value : kNothing;
}

void Fields::end() {
  if (!object_ || found_ == object_->size()) return;
  for (const auto& member : *object_) {
    const std::string_view name = member.key();
    if (std::find(asked_.begin(), asked_.begin() + asked_count_, name) == asked_.begin() + asked_count_)
      wrong(name, "no such member is known");
  }
}

std::string Fields::pointer_to(std::string_view name) const { return pointer_ + "/" + pointer_token(name); }

}  // namespace kontor::cmd::serve
