#include "cmd/kontor/serve/member_routes.hpp"

#include "cmd/kontor/serve/answer.hpp"
#include "cmd/kontor/serve/options.hpp"

namespace kontor::cmd::serve {

void add_member(const Read& read, std::string_view) {
  const auto refuse = [&](std::string_view why) {
    read.respond(problem_response({Errc::invalid_argument, std::string(why), {}, 0, {}}, *read.request));
  };
  Node* const node = read.shared.node.get();
  if (!node) return refuse("this engine is not in a cluster");
  const auto member = member_at(read.path[0], read.path[1]);
  if (!member) return refuse("the address is not HOST:PORT");
  node->add(*member, [member = *member, post = read.post, request = read.request,
                      respond = read.respond](const Error& error) {
    http::Response response =
        error.code == Errc::none
            ? json_response({{"object", "member"}, {"node", member.node}, {"host", member.host}, {"port", member.port}})
            : problem_response({error.code, std::string(error.detail), {}, 0, {}}, *request);
    post([respond, response = std::move(response)] { respond(response); });
  });
}

}  // namespace kontor::cmd::serve
