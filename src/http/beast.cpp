// Boost.Beast and Asio's TLS, compiled once (BOOST_BEAST_SEPARATE_COMPILATION).
#pragma GCC diagnostic ignored "-Wconversion"
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
