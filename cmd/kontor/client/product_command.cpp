// `kontor product`: products, their prices and their stock, over HTTP.
#include <memory>

#include <CLI/CLI.hpp>

#include "cmd/http/path.hpp"
#include "cmd/kontor/client/group.hpp"
#include "cmd/kontor/client/listing.hpp"
#include "cmd/kontor/client/options.hpp"
#include "cmd/kontor/commands.hpp"

namespace kontor::cmd {
namespace {

using namespace client;

struct Options {
  CallOptions call;
  ListOptions list;
  std::string sku;
  Money price;
  std::uint32_t expected_version = 0;
  std::int64_t quantity = 0;

  std::string path(const std::string& more = {}) const { return "/v1/products/" + http::percent_encoded(sku) + more; }
};

using Commands = Group<Options>;

void add_reads(const Commands& group) {
  group.add("get", "Price and version", Method::get, std::make_shared<Options>(),
            [](Caller& caller, const Options& options) { return caller.get(options.path()); });
  group.add("stock", "Units: on hand, held, sold and the rest", Method::get, std::make_shared<Options>(),
            [](Caller& caller, const Options& options) { return caller.get(options.path("/stock")); });
  CLI::App* list = group.app.add_subcommand("list", "All products");
  const auto options = std::make_shared<Options>();
  add_list_options(*list, options->list);
  add_call_options(*list, options->call, Method::get);
  list->final_callback([=, &code = group.exit_code] {
    code = print_list("product list", options->call, options->list, "/v1/products");
  });
}

void add_prices(const Commands& group) {
  auto options = std::make_shared<Options>();
  CLI::App& create =
      group.add("create", "Define a product", Method::post, options, [](Caller& caller, const Options& o) {
        return caller.post("/v1/products", {{"sku", o.sku}, {"price", money_json(o.price)}});
      });
  add_money(create, "price", options->price, "Such as 12.99GBP")->required();

  options = std::make_shared<Options>();
  CLI::App& price = group.add("price", "Set its price", Method::post, options, [](Caller& caller, const Options& o) {
    boost::json::object body{{"price", money_json(o.price)}};
    if (o.expected_version > 0) body["expected_version"] = o.expected_version;
    return caller.post(o.path("/price"), body);
  });
  add_money(price, "price", options->price, "Such as 12.99GBP")->required();
  price.add_option("--expected-version", options->expected_version, "Only if this is the product's version")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
}

void add_stock(const Commands& group) {
  auto options = std::make_shared<Options>();
  CLI::App& receive =
      group.add("receive", "Goods come in", Method::post, options, [](Caller& caller, const Options& o) {
        return caller.post(o.path("/stock/receipts"), {{"quantity", o.quantity}});
      });
  receive.add_option("quantity", options->quantity, "Units")->required()->type_name("N")->check(CLI::PositiveNumber);

  options = std::make_shared<Options>();
  CLI::App& adjust =
      group.add("adjust", "Stock was counted anew", Method::post, options, [](Caller& caller, const Options& o) {
        return caller.post(o.path("/stock/adjustments"), {{"quantity", o.quantity}});
      });
  adjust.add_option("quantity", options->quantity, "Units more, or fewer with a minus")->required()->type_name("N");
}

}  // namespace

void add_product_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("product", "Over HTTP: products, their prices and their stock");
  command->require_subcommand(1);
  const Commands group{*command, exit_code, "product", "sku", "SKU", &Options::sku};
  add_prices(group);
  add_stock(group);
  add_reads(group);
}

}  // namespace kontor::cmd
