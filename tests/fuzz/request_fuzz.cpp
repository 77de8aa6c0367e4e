// A request's body, as a client may send it: the first byte chooses the route, the first line is the name in its path.
#include <cstdlib>
#include <string_view>

#include "cmd/kontor/serve/decode.hpp"
#include "tests/fuzz/target.hpp"

using namespace kontor::cmd::serve;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto routes = post_routes();
  const PostRoute& route = routes[data[0] % routes.size()];
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view body = text.substr(std::min(text.size(), line + 1));
  Refusal refusal;
  operation_in(route, {std::string(text.substr(0, line))}, body, refusal);
  if (refusal && refusal.problem().code == kontor::Errc::none) std::abort();  // A client must be told why.
  return 0;
}
