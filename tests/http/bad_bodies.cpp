#include "tests/http/bad_bodies.hpp"

#include <algorithm>
#include <cctype>
#include <limits>
#include <map>

#include "cmd/kontor/serve/api.hpp"
#include "cmd/kontor/serve/strict_json.hpp"

namespace kontor::tests {
namespace {

namespace json = boost::json;
using cmd::serve::pointer_token;

constexpr const char* kInvalid = "invalid_argument";
constexpr const char* kTooLarge = "too_large";

const json::value& document() {
  static const json::value parsed = json::parse(cmd::serve::openapi_text());
  return parsed;
}

/// What a "$ref" stands for.
const json::object& resolved(const json::value& schema) {
  const json::object* object = &schema.as_object();
  while (const auto* reference = object->if_contains("$ref"))
    object = &document().at_pointer(std::string_view(reference->as_string()).substr(1)).as_object();
  return *object;
}

std::string type_of(const json::object& schema) { return std::string(schema.at("type").as_string()); }

std::int64_t number(const json::object& schema, const char* name) { return schema.at(name).to_number<std::int64_t>(); }

/// Only another member instead of this one makes the object good: the first of "oneOf" is taken.
bool is_instead(const json::object& schema, const std::string& member) {
  const auto* choices = schema.if_contains("oneOf");
  if (!choices) return false;
  const auto names = [&](const json::value& choice) {
    const auto& required = choice.at("required").as_array();
    return std::find(required.begin(), required.end(), json::value(member)) != required.end();
  };
  const auto& all = choices->as_array();
  return !names(all.front()) && std::any_of(all.begin(), all.end(), names);
}

/// A value that fits. Names are their members' own, so that no two that must differ are the same.
json::value good_value(const json::object& schema, const std::string& member) {
  const std::string type = type_of(schema);
  if (type == "integer") return 5;
  if (type == "boolean") return true;
  if (type == "string") {
    if (const auto* words = schema.if_contains("enum")) return words->at(0);
    if (schema.contains("pattern")) return "GBP";
    return json::string(member == "payees" || member == "payee" ? "shop" : member);
  }
  if (type == "array") return json::array{good_value(resolved(schema.at("items")), member)};
  json::object out;
  for (const auto& [name, of] : schema.at("properties").as_object())
    if (!is_instead(schema, std::string(name))) out[name] = good_value(resolved(of), std::string(name));
  return out;
}

std::string filled_in(std::string path) {
  const std::map<std::string, std::string> names{{"{sku}", "mug"},
                                                 {"{account}", "alice"},
                                                 {"{order}", "ord_00_00000001_000000000007"},
                                                 {"{reservation}", "rsv_00_00000001_000000000007"}};
  for (const auto& [name, value] : names)
    if (const auto at = path.find(name); at != path.npos) path.replace(at, name.size(), value);
  return path;
}

std::string text_in(const std::string& inside) { return "\"" + inside + "\""; }

std::string repeated(const std::string& text, std::size_t times, const std::string& between = {}) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += (i == 0 ? std::string() : between) + text;
  return out;
}

/// Goes through one route's good body and notes each way to spoil it.
class Spoiler {
 public:
  Spoiler(const GoodBody& good, std::vector<BadBody>& out) : good_(good), out_(out) {}

  void run() {
    spoil_text();
    spoil_value(good_.schema.as_object(), "");
  }

 private:
  /// The body with the value at `pointer` written as `text`, which need not be JSON.
  std::string with(const std::string& pointer, const std::string& text) const {
    if (pointer.empty()) return text;
    json::value body = good_.body;
    body.at_pointer(pointer) = "@@";
    std::string out = json::serialize(body);
    const std::string placeholder = "\"@@\"";
    return out.replace(out.find(placeholder), placeholder.size(), text);
  }
  void add(std::string body, const char* code, std::string param) {
    out_.push_back({good_.path, std::move(body), code, std::move(param)});
  }
  void wrong(const std::string& pointer, std::initializer_list<const char*> texts, const char* code = kInvalid) {
    for (const char* text : texts) add(with(pointer, text), code, pointer);
  }

  /// What is no JSON, wherever the fault is said to be; and what follows a good body.
  void spoil_text() {
    const std::string good = json::serialize(good_.body);
    for (const std::string& body :
         {std::string("{"), std::string(" "), std::string("nul"), std::string("{'a':1}"), std::string("{a:1}"),
          good + "x", good + good, good + ",", "\xEF\xBB\xBF" + good, "/**/" + good, good + std::string(1, '\0'),
          good.substr(0, good.size() - 1), good.substr(0, good.size() - 1) + ",}", "[" + good})
      add(body, kInvalid, "?");
  }

  void spoil_value(const json::object& schema, const std::string& pointer) {
    const std::string type = type_of(schema);
    if (type == "object") spoil_object(schema, pointer);
    if (type == "array") spoil_list(schema, pointer);
    if (type == "string") spoil_string(schema, pointer);
    if (type == "integer") spoil_integer(schema, pointer);
    if (type == "boolean") wrong(pointer, {"null", "0", "1", R"("true")", "[]", "{}", "tru", "True"});
    spoil_json(pointer);
  }

  /// Where any value is: too deep, no number that is exact, halves of characters.
  void spoil_json(const std::string& pointer) {
    const auto depth = static_cast<std::size_t>(std::count(pointer.begin(), pointer.end(), '/'));
    const std::size_t more = cmd::serve::kJsonDepthMax - depth;  // So much deeper is allowed.
    add(with(pointer, std::string(17, '[') + std::string(17, ']')), kInvalid, pointer + repeated("/0", more));
    add(with(pointer, repeated("{\"a\":", 17) + "1" + std::string(17, '}')), kInvalid, pointer + repeated("/a", more));
    add(with(pointer, "[" + repeated("1", cmd::serve::kJsonArrayElementsMax + 1, ",") + "]"), kInvalid,
        pointer + "/" + std::to_string(cmd::serve::kJsonArrayElementsMax));
    wrong(pointer, {"NaN", "-Infinity", "+1", "-", "'x'", "1.5", "1e2"});
    // In an array the number is taken for its element, and the fault comes where the next would.
    for (const char* text : {"0x10", "01"}) add(with(pointer, text), kInvalid, pointer.ends_with("/0") ? "?" : pointer);
    for (const char* bytes : {"\xFF", "\xC0\xAF", "\xED\xA0\x80", "\xE2\x82", "\xF4\x90\x80\x80", "\x01", "a\tb"})
      add(with(pointer, text_in(bytes)), kInvalid, pointer);
    wrong(pointer, {R"("\ud800")", R"("\udc00")", R"("\ud800A")", R"("\u12")", R"("\x41")"});
  }

  void spoil_integer(const json::object& schema, const std::string& pointer) {
    wrong(pointer, {"null", "true", R"("1")", "[]", "{}", "1.0", "0.5", "1e400", "9223372036854775808",
                    "-9223372036854775809", "99999999999999999999999"});
    const std::int64_t least = number(schema, "minimum"), most = number(schema, "maximum");
    for (const std::int64_t below : {least - 1, least - 1'000, std::numeric_limits<std::int64_t>::min()})
      add(with(pointer, std::to_string(below)), kInvalid, pointer);
    for (const std::int64_t above : {most + 1, most * 2, std::numeric_limits<std::int64_t>::max()})
      add(with(pointer, std::to_string(above)), kTooLarge, pointer);
    if (const auto* except = schema.if_contains("not"))
      add(with(pointer, json::serialize(except->at("const"))), kInvalid, pointer);
  }

  void spoil_string(const json::object& schema, const std::string& pointer) {
    wrong(pointer, {"null", "true", "7", "[]", "{}", R"("")"});
    if (schema.contains("enum"))
      return wrong(pointer, {R"("Wallet")", R"("purse")", R"("wallet ")", R"("wallet\u0000")"});
    if (schema.contains("pattern"))
      return wrong(pointer, {R"("gbp")", R"("GB")", R"("GBPP")", R"("XQX")", R"("GBP ")", R"("\u0000GB")", R"("£££")"});
    const auto most = static_cast<std::size_t>(number(schema, "maxLength"));
    add(with(pointer, text_in(std::string(most + 1, 'x'))), kTooLarge, pointer);
    add(with(pointer, text_in(repeated("\xE2\x82\xAC", most / 3 + 1))), kTooLarge, pointer);  // Bytes, not characters.
    add(with(pointer, text_in(std::string(60'000, 'x'))), kTooLarge, pointer);
    wrong(pointer, {R"("a\u0000b")", R"("\u0000")", R"("a\nb")", R"("\u007f")", R"("\u0085")", R"("\u001b[2J")"});
  }

  void spoil_list(const json::object& schema, const std::string& pointer) {
    wrong(pointer, {"null", "true", "7", R"("x")", "{}", "[]"});
    const auto most = static_cast<std::size_t>(number(schema, "maxItems"));
    const std::string element = json::serialize(good_.body.at_pointer(pointer + "/0"));
    add(with(pointer, "[" + repeated(element, most + 1, ",") + "]"), kTooLarge, pointer);
    add(with(pointer, "[" + element + ",]"), kInvalid, "?");
    spoil_value(resolved(schema.at("items")), pointer + "/0");
  }

  void spoil_object(const json::object& schema, const std::string& pointer) {
    if (!pointer.empty()) wrong(pointer, {"null", "true", "7", R"("x")", "[]"});
    if (pointer.empty()) wrong(pointer, {"null", "true", "7", R"("x")", "[]", "[{}]"});
    const json::object object = (pointer.empty() ? good_.body : good_.body.at_pointer(pointer)).as_object();
    const auto extra = [&](const std::string& name) {
      json::object more = object;
      more[name] = 1;
      add(with(pointer, json::serialize(more)), kInvalid, pointer + "/" + pointer_token(name));
    };
    for (const char* name : {"extra", "__proto__", "a/b", "a~b", "", " ", "\xC3\xA9"}) extra(name);
    json::object wide = object;
    for (int i = 0; i < 33; ++i) wide["m" + std::to_string(i)] = 1;
    add(with(pointer, json::serialize(wide)), kInvalid, "?");
    for (const auto& [key, of] : schema.at("properties").as_object()) {
      const std::string name(key), place = pointer + "/" + name;
      if (is_instead(schema, name)) continue;
      std::string shouted = name;
      for (char& c : shouted) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      extra(shouted);
      extra(name + " ");
      const std::string text = json::serialize(object), value = json::serialize(object.at(name));
      for (const std::string& again : {value, std::string("null")})
        add(with(pointer, text.substr(0, text.size() - 1) + "," + text_in(name) + ":" + again + "}"), kInvalid, place);
      spoil_value(resolved(of), place);
    }
    json::array needed = schema.at("required").as_array();
    if (const auto* choices = schema.if_contains("oneOf"))
      for (const auto& name : choices->at(0).at("required").as_array()) needed.push_back(name);
    for (const auto& name : needed) {
      json::object less = object;
      less.erase(name.as_string());
      add(with(pointer, json::serialize(less)), kInvalid, pointer + "/" + std::string(name.as_string()));
    }
  }

  const GoodBody& good_;
  std::vector<BadBody>& out_;
};

}  // namespace

std::vector<GoodBody> good_bodies() {
  std::vector<GoodBody> all;
  for (const auto& [path, methods] : document().at("paths").as_object()) {
    const auto* post = methods.as_object().if_contains("post");
    const auto* body = post ? post->as_object().if_contains("requestBody") : nullptr;
    const auto* content = body ? body->at("content").as_object().if_contains("application/json") : nullptr;
    if (!content) continue;
    const json::object& schema = resolved(content->at("schema"));
    all.push_back({filled_in(std::string(path)), good_value(schema, {}), schema});
  }
  return all;
}

std::vector<BadBody> bad_bodies() {
  std::vector<BadBody> all;
  for (const GoodBody& good : good_bodies()) Spoiler(good, all).run();
  return all;
}

}  // namespace kontor::tests
