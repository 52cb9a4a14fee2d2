/*
 * cms_open_key - a key made for the fuzzers and used for nothing else.
 */
#pragma once

static const char fuzz_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg79TufQ3jFinGt6V1\n"
    "LGIU30gj9nvAqDV/tabG+0xWGZWhRANCAAR+apo30G2TiTlcDbINsuFZeTFgAigh\n"
    "Nd/7P19HVr/iGGKTBhkkszK98bsakoCXK5ycxlK5VKIp2NDJIXBSpcCu\n"
    "-----END PRIVATE KEY-----\n";

static const char fuzz_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBmTCCAT6gAwIBAgIQfhP6Sm1vMr5eMAlr213t8DAKBggqhkjOPQQDAjAcMQsw\n"
    "CQYDVQQGEwJOTzENMAsGA1UEAwwEZnV6ejAgFw03MDAxMDEwMDAwMDBaGA8yMDY5\n"
    "MTIwNzAwMDAwMFowHDELMAkGA1UEBhMCTk8xDTALBgNVBAMMBGZ1enowWTATBgcq\n"
    "hkjOPQIBBggqhkjOPQMBBwNCAAR+apo30G2TiTlcDbINsuFZeTFgAighNd/7P19H\n"
    "Vr/iGGKTBhkkszK98bsakoCXK5ycxlK5VKIp2NDJIXBSpcCuo2AwXjAMBgNVHRMB\n"
    "Af8EAjAAMA4GA1UdDwEB/wQEAwIDCDAdBgNVHQ4EFgQUqVd9PaHIyxlBRsHFQ89b\n"
    "2pbItwkwHwYDVR0jBBgwFoAUqVd9PaHIyxlBRsHFQ89b2pbItwkwCgYIKoZIzj0E\n"
    "AwIDSQAwRgIhAMjlAAMavCCpoh+sm8l6xkXgefCcqvVfkiMEr0dfZ22BAiEAlAWF\n"
    "gIpotzUde/oEGAprMsPVb309QhH41T4YQhunzSo=\n"
    "-----END CERTIFICATE-----\n";
