// What may be done to an order.
#include <string>

#include "cmd/kontor/serve/decode.hpp"

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;

/// None: all that is left.
std::vector<OrderLine> lines_in(Fields& body, Refusal& refusal) {
  std::vector<OrderLine> lines;
  if (!body.has("lines")) return lines;
  const json::array& elements = body.list("lines", 1, kLinesMax);
  for (std::size_t i = 0; i < elements.size() && !refusal.full(); ++i) {
    Fields fields(elements[i], "/lines/" + std::to_string(i), refusal);
    OrderLine line;
    line.line = static_cast<std::uint32_t>(fields.integer("line", 0, kLinesMax - 1));
    line.quantity = fields.integer("quantity", 1, kQuantityUnitsMax);
    fields.end();
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

Operation decode_cancel(const PathNames& path, Fields&, Refusal& refusal) {
  return Cancel{order_in_path(path[0], refusal)};
}

Operation decode_refund(const PathNames& path, Fields& body, Refusal& refusal) {
  Refund refund;
  refund.order = order_in_path(path[0], refusal);
  refund.lines = lines_in(body, refusal);
  if (body.has("restock")) refund.restock = body.flag("restock");
  return refund;
}

Operation decode_fulfil(const PathNames& path, Fields& body, Refusal& refusal) {
  Fulfil fulfil;
  fulfil.order = order_in_path(path[0], refusal);
  fulfil.lines = lines_in(body, refusal);
  return fulfil;
}

}  // namespace kontor::cmd::serve
