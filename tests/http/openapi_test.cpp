// docs/openapi.json against the program: routes, parameters and codes.
#include <cctype>
#include <set>

#include <boost/json.hpp>

#include "cmd/kontor/serve/api.hpp"
#include "tests/support/catch.hpp"

using namespace kontor;
using namespace kontor::cmd::serve;
namespace json = boost::json;

namespace {

const json::object& document() {
  static const json::value parsed = json::parse(openapi_text());
  return parsed.as_object();
}

std::string small(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// Every "$ref" below `value`.
void collect_references(const json::value& value, std::set<std::string>& found) {
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      if (member.key() == "$ref") found.insert(std::string(member.value().as_string()));
      collect_references(member.value(), found);
    }
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array) collect_references(element, found);
  }
}

}  // namespace

TEST_CASE("openapi: each route is documented, and nothing else", "[http][openapi]") {
  std::set<std::string> served, documented;
  for (const RouteName& route : all_routes()) served.insert(small(route.method) + " " + std::string(route.path));
  for (const auto& path : document().at("paths").as_object())
    for (const auto& method : path.value().as_object())
      documented.insert(std::string(method.key()) + " " + std::string(path.key()));
  CHECK(served == documented);
}

TEST_CASE("openapi: each error code is documented, and nothing else", "[http][openapi]") {
  std::set<std::string> coded, documented;
  for (int number = 1; number < 256; ++number)
    if (const auto name = to_string(static_cast<Errc>(number)); name != "unlisted") coded.emplace(name);
  const json::value whole(document());
  const auto& code = whole.at_pointer("/components/schemas/Code");
  for (const auto& name : code.at("enum").as_array()) documented.emplace(name.as_string());
  CHECK(coded == documented);
  const std::string text(code.at("description").as_string());
  for (int number = 1; number < 256; ++number) {
    const auto errc = static_cast<Errc>(number);
    if (to_string(errc) == "unlisted") continue;
    CAPTURE(to_string(errc));
    CHECK(text.find(std::string(to_string(errc)) + " " + std::to_string(status_of(errc))) != std::string::npos);
  }
}

TEST_CASE("openapi: each path parameter is declared, each POST takes a key but the batch", "[http][openapi]") {
  for (const auto& path : document().at("paths").as_object()) {
    for (const auto& method : path.value().as_object()) {
      CAPTURE(std::string(path.key()), std::string(method.key()));
      std::set<std::string> declared;
      if (const auto* parameters = method.value().as_object().if_contains("parameters"))
        collect_references(*parameters, declared);
      std::string_view rest = path.key();
      while (rest.find('{') != rest.npos) {
        rest.remove_prefix(rest.find('{') + 1);
        CHECK(declared.contains("#/components/parameters/" + std::string(rest.substr(0, rest.find('}')))));
      }
      const bool needs_key = method.key() == "post" && path.key() != "/v1/checkouts:batch";
      CHECK(declared.contains("#/components/parameters/IdempotencyKey") == needs_key);
    }
  }
}

TEST_CASE("openapi: what needs a key, and may be refused to a role, says so", "[http][openapi]") {
  for (const auto& path : document().at("paths").as_object()) {
    for (const auto& method : path.value().as_object()) {
      CAPTURE(std::string(path.key()), std::string(method.key()));
      const auto* access = access_to(method.key() == "post" ? "POST" : "GET", path.key());
      REQUIRE(access);
      const auto& operation = method.value().as_object();
      CHECK(operation.contains("security") == access->open);
      CHECK(operation.at("responses").as_object().contains("401") != access->open);
      const bool everybody = access->merchant != Scope::none && access->customer != Scope::none;
      CHECK(operation.at("responses").as_object().contains("403") != everybody);
    }
  }
}

TEST_CASE("openapi: what may be asked too often says so", "[http][openapi]") {
  for (const auto& path : document().at("paths").as_object()) {
    for (const auto& method : path.value().as_object()) {
      CAPTURE(std::string(path.key()), std::string(method.key()));
      const bool probe = path.key() == "/healthz" || path.key() == "/readyz";
      CHECK(method.value().at("responses").as_object().contains("429") != probe);
    }
  }
}

TEST_CASE("openapi: each reference leads somewhere", "[http][openapi]") {
  const json::value whole(document());
  std::set<std::string> references;
  collect_references(whole, references);
  CHECK(references.size() > 20);
  for (const std::string& reference : references) {
    CAPTURE(reference);
    boost::system::error_code failure;
    CHECK(whole.find_pointer(reference.substr(1), failure) != nullptr);
  }
}
