// A client for services on Tenon: keeps an Idempotency-Key over its retries, signs each of them anew (RFC 9421),
// honours Retry-After, backs off with jitter, and knows which answers may be asked for again.
//
//   tenon::Client client(context.get_executor(), {.base_url = "https://shop.example", .token = token,
//                                                 .signer = tenon::RequestSigner{key, key_id}});
//   auto sold = co_await client.send({.method = tenon::http::Method::patch, .target = "/api/inventory/" + id,
//                                     .body = R"({"decrement":2})"});
#pragma once

#include "client/client.hpp"
