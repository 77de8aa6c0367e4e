// POST /v1/checkouts:batch: newline-delimited JSON in and out. A line is the body of a single checkout with its
// `idempotency_key`; its answer has the line's number, from 0, and the status that the single checkout would have.
// Lines of one block reach the engine as one batch, and are answered in order when all of them are.
#include <array>
#include <string_view>
#include <variant>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/serialize.hpp>

#include "cmd/http/limits.hpp"
#include "cmd/kontor/serve/answer.hpp"
#include "cmd/kontor/serve/api.hpp"
#include "cmd/kontor/serve/idempotency.hpp"
#include "cmd/kontor/serve/strict_json.hpp"

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;

constexpr std::string_view kSinglePath = "/v1/checkouts";  // A line is the same request as a single one.
constexpr std::size_t kParseBytes = 8 * 1024;
constexpr std::size_t kReceiptLineBytes = 256;

/// What is being answered: one text for each line, joined when none is missing.
struct Block {
  std::vector<std::string> answers;
  std::size_t missing = 0;
  std::function<void(std::string)> then;

  void answer(std::size_t at, std::string text) {
    answers[at] = std::move(text);
    if (--missing == 0) finish();
  }
  void finish() const {
    std::size_t bytes = 0;
    for (const std::string& text : answers) bytes += text.size();
    std::string all;
    all.reserve(bytes);
    for (const std::string& text : answers) all += text;
    then(std::move(all));
  }
};

class CheckoutStream : public http::LineStream {
 public:
  CheckoutStream(Shared& shared, Submitter& submitter, const Terms& terms, http::RequestPtr request)
      : shared_(shared), submitter_(submitter), terms_(terms), request_(std::move(request)) {}

  void on_lines(std::string lines, std::function<void(std::string)> then) override {
    const auto block = std::make_shared<Block>();
    block->then = std::move(then);
    std::vector<std::string_view> texts;
    for (std::string_view rest = lines; !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
      std::string_view text = rest.substr(0, end + 1);
      rest.remove_prefix(text.size());
      while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
      if (!text.empty()) texts.push_back(text);
    }
    if (texts.empty()) return block->then({});
    block->answers.resize(texts.size());
    block->missing = texts.size();
    who_ = authenticate(shared_.keys.get(), *request_);  // For each block: a stream may outlive its key.
    for (std::size_t i = 0; i < texts.size(); ++i) submit(texts[i], i, block);
  }

  std::string on_failure(unsigned status, std::string_view detail) override {
    return line_of(lines_, {code_of_refusal(status), std::string(detail), {}, status, {}});
  }

 private:
  void submit(std::string_view text, std::size_t at, const std::shared_ptr<Block>& block) {
    const std::uint64_t number = lines_++;
    Refusal refusal;
    kontor::Request request;
    if (number > 0)  // The first is paid for by the request itself.
      if (auto problem = rate_problem(shared_, *request_, who_)) refusal.set(std::move(*problem));
    if (!who_) refusal.set(unauthorized());
    if (!refusal) read(text, request, refusal);
    if (refusal) return block->answer(at, line_of(number, refusal.problem()));
    submitter_.submit(std::move(request), [this, at, number, block](const kontor::Request& asked, const Outcome& o) {
      block->answer(at, o.verdict == Verdict::committed
                            ? line_of(number, asked.operation, o)
                            : line_of(number, problem_of(o, asked.operation, shared_.engine.shards())));
    });
  }

  void read(std::string_view text, kontor::Request& request, Refusal& refusal) const {
    if (text.size() > http::kLineBytesMax)
      return refusal.set(Errc::too_large, {}, "the line is longer than 65536 bytes");
    std::array<unsigned char, kParseBytes> space;
    json::monotonic_resource memory(space.data(), space.size());
    auto parsed = parse_strict(text, &memory);
    if (auto* problem = std::get_if<Problem>(&parsed))
      return refusal.set(problem->code, std::move(problem->param), problem->detail);
    Fields fields(std::get<json::value>(parsed), {}, refusal);
    const std::string_view key = fields.text("idempotency_key", kClientKeyBytesMax);
    if (!refusal && !is_client_key(key))
      refusal.set(Errc::invalid_argument, "/idempotency_key", "only visible ASCII characters make a key");
    request.operation = decode_checkout({}, fields, refusal);
    fields.end();
    request.deadline_ns = terms_.deadline_ns;
    request.protocol = terms_.protocol;
    if (!refusal)
      if (auto problem = refuse(*who_, request.operation)) refusal.set(std::move(*problem));
    if (!refusal) request.key = engine_key(caller_of(*who_), kSinglePath, {}, key);
  }

  std::string line_of(std::uint64_t number, const Problem& problem) const {
    const unsigned status = problem.status != 0 ? problem.status : status_of(problem.code);
    return json::serialize(json::object{
               {"line", number}, {"status", status}, {"problem", problem_json(problem, {}, request_->id)}}) +
           "\n";
  }
  static std::string line_of(std::uint64_t number, const Operation& operation, const Outcome& outcome) {
    std::string out;
    out.reserve(kReceiptLineBytes);
    out.append(R"({"line":)").append(std::to_string(number)).append(R"(,"status":201,"transaction":)");
    out += receipt_text(operation, outcome.transaction);
    if (outcome.replayed) out += R"(,"idempotent_replayed":true)";
    return out += "}\n";
  }

  Shared& shared_;
  Submitter& submitter_;
  const Terms terms_;
  const http::RequestPtr request_;
  std::optional<Principal> who_;
  std::uint64_t lines_ = 0;
};

}  // namespace

std::unique_ptr<http::LineStream> checkout_stream(Shared& shared, Submitter& submitter, const Terms& terms,
                                                  http::RequestPtr request) {
  return std::make_unique<CheckoutStream>(shared, submitter, terms, std::move(request));
}

}  // namespace kontor::cmd::serve
