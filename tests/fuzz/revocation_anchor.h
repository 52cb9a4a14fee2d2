/*
 * revocation_anchor - whose answers the seeds of fuzz_revocation are.
 */
#pragma once

#define FUZZ_REVOCATION_AT_MS INT64_C(1796140943000)

static const char fuzz_revocation_issuer[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBljCCATugAwIBAgIUbC0nVDwLrmLt+vxOh0f8uXcUAGEwCgYIKoZIzj0EAwIw\n"
    "GDEWMBQGA1UEAwwNVGVzdGF1dG9yaXRldDAeFw0yNjEyMDExNTAyMTlaFw0zNjEx\n"
    "MjgxNTAyMTlaMBgxFjAUBgNVBAMMDVRlc3RhdXRvcml0ZXQwWTATBgcqhkjOPQIB\n"
    "BggqhkjOPQMBBwNCAAST5XsLh1Vk2tEKN26TeaWwNlTsXtKWtSTGbjHCkzCbDsH7\n"
    "YTXejlYtwho2LyQAUnql5KEHc5Bp1Ly6wnPfO3npo2MwYTAdBgNVHQ4EFgQUgWRW\n"
    "HzG8Lzri8mYGaOjwawz6cvAwHwYDVR0jBBgwFoAUgWRWHzG8Lzri8mYGaOjwawz6\n"
    "cvAwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwID\n"
    "SQAwRgIhALJwdJZL7VoXqsjEJ5EVF8WE35HvIDJxbogDM4k5zF3UAiEAugpRbJnW\n"
    "BBi463kZs4ZW1JRKR+/vuKkt+NEKwVIj0r0=\n"
    "-----END CERTIFICATE-----\n";

static const char fuzz_revocation_member[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIB4TCCAYigAwIBAgICEAEwCgYIKoZIzj0EAwIwGDEWMBQGA1UEAwwNVGVzdGF1\n"
    "dG9yaXRldDAeFw0yNjEyMDExNTAyMTlaFw0zNjExMjgxNTAyMTlaMC8xEzARBgNV\n"
    "BAMMClRlc3Rtb3R0YWsxGDAWBgNVBGEMD05UUk5PLTk4NzY1NDMyNTBZMBMGByqG\n"
    "SM49AgEGCCqGSM49AwEHA0IABFP8mIQmGPpRHbjoEf4+DmvU8+gDhELkD5wTOdXE\n"
    "ZCqwTEpFqI1xS35GBV7b9IrnxKeTHx5g0uV8W8BQg1UcLc6jgaowgacwDgYDVR0P\n"
    "AQH/BAQDAgMIMC0GCCsGAQUFBwEBBCEwHzAdBggrBgEFBQcwAYYRaHR0cDovL29j\n"
    "c3AudGVzdC8wJgYDVR0fBB8wHTAboBmgF4YVaHR0cDovL2NybC50ZXN0L2wuY3Js\n"
    "MB0GA1UdDgQWBBT/VtxfFBK1KlKskzR+GduwyrgJGDAfBgNVHSMEGDAWgBSBZFYf\n"
    "MbwvOuLyZgZo6PBrDPpy8DAKBggqhkjOPQQDAgNHADBEAiAFfAA9aB8W9QyjaUDQ\n"
    "rgIGp59Q1tq6JuDyOjvmo4rk6gIge87aiqbXv2/wtTxbwDBsFKqGkfr2XLotOTK+\n"
    "MqBvKug=\n"
    "-----END CERTIFICATE-----\n";
