#pragma once
#include <string>
#include <vector>

#include <boost/json.hpp>

namespace kontor::tests {

/// A body that must be refused with 400, this code, and this place in `param`.
struct BadBody {
  std::string path, body, code, param;
};

/// A route that takes a body, with one that fits its schema and has every member.
struct GoodBody {
  std::string path;
  boost::json::value body;
  boost::json::value schema;
};

/// Every POST route of docs/openapi.json that takes JSON; names in braces are filled in.
std::vector<GoodBody> good_bodies();
/// Made from the schemas in docs/openapi.json: each member of each of those routes, wrong in each way that its schema
/// forbids, and in all ways in which JSON can be malformed there.
std::vector<BadBody> bad_bodies();

}  // namespace kontor::tests
