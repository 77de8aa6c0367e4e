#include "cmd/kontor/serve/product_list.hpp"

#include <algorithm>
#include <memory>

#include "cmd/kontor/serve/answer.hpp"
#include "cmd/kontor/serve/list_query.hpp"
#include "domain/placement.hpp"

namespace kontor::cmd::serve {
namespace {

namespace json = boost::json;

/// Goes from shard to shard until the page is full. On the lane, but for the engine's answers.
class Listing : public std::enable_shared_from_this<Listing> {
 public:
  Listing(const Read& read, std::size_t limit, std::optional<Sku> from, Engine::Direction direction)
      : engine_(read.shared.engine),
        objects_(read.shared.objects),
        post_(read.post),
        request_(read.request),
        respond_(read.respond),
        limit_(limit),
        from_(from),
        direction_(direction) {
    const bool back = direction_ == Engine::Direction::back;
    if (from_)
      shard_ = home_of(*from_, engine_.shards());
    else
      shard_ = static_cast<ShardId>(back ? engine_.shards() - 1 : 0);
  }

  void ask() {
    engine_.products(shard_, from_, direction_, limit_ - found_.size(),
                     [self = shared_from_this()](const Result<ProductPage>& page) {
                       if (page)  // Read past the cache, which must not show anything older from now on.
                         for (const Product& product : page->products) self->objects_.forget(product);
                       self->post_([self, page] { self->add(page); });
                     });
  }

 private:
  void add(const Result<ProductPage>& page) {
    if (!page) return respond_(problem_response(problem_of(page.code()), *request_));
    const bool back = direction_ == Engine::Direction::back;
    found_.insert(back ? found_.begin() : found_.end(), page->products.begin(), page->products.end());
    if (page->more) return answer(true);
    if (shard_ == (back ? 0 : engine_.shards() - 1)) return answer(false);
    if (found_.size() == limit_) return answer(true);  // Perhaps not: the next page may be empty.
    shard_ = static_cast<ShardId>(back ? shard_ - 1 : shard_ + 1);
    from_.reset();
    ask();
  }
  Problem problem_of(Errc code) const {
    if (code != Errc::unknown_sku) return {code, {}, {}, 0, {}};
    const bool back = direction_ == Engine::Direction::back;
    return {Errc::invalid_argument, "there is no such product", back ? "ending_before" : "starting_after", 0, {}};
  }
  void answer(bool more) {
    json::array data;
    for (const Product& product : found_) data.push_back(product_json(product));
    respond_(json_response({{"object", "list"}, {"data", std::move(data)}, {"has_more", more}}));
  }

  Engine& engine_;
  Objects& objects_;
  const http::Post post_;
  const http::RequestPtr request_;
  const http::Respond respond_;
  const std::size_t limit_;
  std::optional<Sku> from_;
  const Engine::Direction direction_;
  ShardId shard_ = 0;
  std::vector<Product> found_;
};

}  // namespace

void read_products(const Read& read) {
  Refusal refusal;
  const Query query(read.request->query, read.query, refusal);
  const ListQuery list = list_query(query, kListedMax, kListedUsual, refusal);
  std::optional<Sku> from;
  if (list.from) {
    const auto sku = Sku::parse(*list.from);
    if (sku)
      from = *sku;
    else
      refusal.set(Errc::invalid_argument, list.from_name(), "there is no such product");
  }
  if (refusal) return read.respond(problem_response(refusal.problem(), *read.request));
  const auto direction = list.back ? Engine::Direction::back : Engine::Direction::onwards;
  std::make_shared<Listing>(read, list.limit, from, direction)->ask();
}

}  // namespace kontor::cmd::serve
