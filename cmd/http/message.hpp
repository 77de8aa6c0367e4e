#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Requests and responses as handlers see them: no Beast, no Asio.
namespace kontor::http {

struct Field {
  std::string name, value;
};

struct Request {
  std::string id;          ///< `req_…`, given here; in the response and in problems.
  std::string address;     ///< Whom it came from.
  std::string_view route;  ///< What the service calls it: `Opening::route`.
  std::string method, path, query;
  std::vector<Field> fields;
  std::string body;

  /// The first field of this name, in any case; nullptr: there is none.
  const std::string* field(std::string_view name) const;
  /// How many fields have this name.
  std::size_t count(std::string_view name) const;
};
using RequestPtr = std::shared_ptr<const Request>;

/// A body without end, such as a stream of events.
class Feed {
 public:
  virtual ~Feed() = default;
  /// `then` gets the next piece, once, on the lane's thread; an empty one means: nothing new, ask again soon; none: it
  /// is over. Not called while it is being answered; held until then.
  virtual void next(std::function<void(std::optional<std::string>)> then) = 0;
};

struct Response {
  unsigned status = 200;
  std::string_view content_type = "application/json";
  std::string body;
  std::vector<Field> fields;   ///< Beside Content-Type, Content-Length, Connection and Request-Id.
  bool close = false;          ///< End the connection after this.
  std::shared_ptr<Feed> feed;  ///< Set: the body is what it tells, until the client or the server ends it.
  std::string subject;         ///< What it is about, for whoever keeps a log; not sent.
};

/// Takes the one response to a request. On the lane's thread.
using Respond = std::function<void(Response)>;

/// A request body that is handled as it comes, line by line, and answered in the same way.
class LineStream {
 public:
  virtual ~LineStream() = default;
  /// `lines`: whole lines, each ended by '\n' (the body's last one perhaps not). `then` gets what to send, once, on the
  /// lane's thread; the next lines come after that.
  virtual void on_lines(std::string lines, std::function<void(std::string)> then) = 0;
  /// The body broke a bound or the rules of HTTP, for which a request would be refused with `status`: a last line for
  /// the client.
  virtual std::string on_failure(unsigned status, std::string_view detail) = 0;
};

/// How a request's body is to be taken: one of refusal, stream, handle.
struct Opening {
  std::unique_ptr<Response> refusal;    ///< Not at all.
  std::unique_ptr<LineStream> stream;   ///< As it comes.
  std::string_view content_type;        ///< Of the stream's answer.
  std::function<void(Respond)> handle;  ///< In one piece: called once, when it is in the request.
  std::string_view route;               ///< A name for what is asked, which lives as long as the program.
};

/// What answers requests. One for each lane, only ever called on that lane's thread; must not block.
class Service {
 public:
  virtual ~Service() = default;
  /// Called when the header is there; `request` goes on growing until `Opening::handle` is called.
  virtual Opening open(const RequestPtr& request) = 0;
  /// The answer to what is refused before it is a request: `status` with a sentence that says why.
  virtual Response refuse(const Request& request, unsigned status, std::string_view detail) = 0;
  /// `response` is on its way, `took` after the request's first byte. For whoever keeps a log.
  virtual void answered(const Request&, const Response&, std::chrono::nanoseconds /*took*/) {}
  /// A connection from `address` was ended before it said anything: there are too many.
  virtual void turned_away(const std::string& /*address*/) {}
};

/// Runs an action later on a lane's thread. May be called from any thread.
using Post = std::function<void(std::function<void()>)>;

std::string_view reason(unsigned status);
/// Status line and fields, to the empty line; `chunked`: the body's length is not known yet.
std::string head_text(const Response& response, const Request& request, bool chunked);
/// One piece of a chunked body; of no bytes: its end.
std::string chunk_text(std::string_view data);

}  // namespace kontor::http
