/*
 * cades_anchor - the authority behind the seeds of fuzz_cades.
 */
#pragma once

static const char fuzz_cades_anchor[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBszCCAVmgAwIBAgIUNWTlyluzfBpfkgHVDoODFPRP+/swCgYIKoZIzj0EAwIw\n"
    "JjELMAkGA1UEBhMCTk8xFzAVBgNVBAMMDmZ1enogYXV0aG9yaXR5MCAXDTI2MTIw\n"
    "MTA5MTE0M1oYDzIwNjcxMjI2MDkxMTQzWjAmMQswCQYDVQQGEwJOTzEXMBUGA1UE\n"
    "AwwOZnV6eiBhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATHLanT\n"
    "DfSEGAS22KZl+iowALWkcBbzQigMk2Cr4gSSR8E6iRXG93mLRGFGdeX9OWD9qSVq\n"
    "BXO7AdCnQz8zWSCYo2MwYTAdBgNVHQ4EFgQU5nKKVviLS3DFG3vQB1u6T78Ek8Uw\n"
    "HwYDVR0jBBgwFoAU5nKKVviLS3DFG3vQB1u6T78Ek8UwDwYDVR0TAQH/BAUwAwEB\n"
    "/zAOBgNVHQ8BAf8EBAMCAgQwCgYIKoZIzj0EAwIDSAAwRQIgDBSBR3DfI3PicN5F\n"
    "d6IEdB/Nhywg17aj2LPEhzUhIcsCIQDzTUBfoHHVwMk4Ui1n4PHehHNHBFuW9M8z\n"
    "nWF4M19S9g==\n"
    "-----END CERTIFICATE-----\n";
