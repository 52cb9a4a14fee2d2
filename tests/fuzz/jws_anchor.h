/*
 * jws_anchor - the authority behind the seeds of fuzz_jws.
 */
#pragma once

static const char fuzz_anchor[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBsDCCAVWgAwIBAgIQVNmhsqqkEN2suJaSae2L4TAKBggqhkjOPQQDAjAmMQsw\n"
    "CQYDVQQGEwJOTzEXMBUGA1UEAwwOZnV6eiBhdXRob3JpdHkwIBcNNzAwMTAxMDAw\n"
    "MDAwWhgPMjA2OTEyMDcwMDAwMDBaMCYxCzAJBgNVBAYTAk5PMRcwFQYDVQQDDA5m\n"
    "dXp6IGF1dGhvcml0eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHk/WRmiYK/z\n"
    "JQmnJlu6W+Iw3Ld1PmvDc4IQQOMBttSxxItOBGD4tVEYzdF/HbXPlBiapukdO7ih\n"
    "dJ/yk8MCqwWjYzBhMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMB0G\n"
    "A1UdDgQWBBSnPm/g6zd90aFT/jlrldjnHWbEdjAfBgNVHSMEGDAWgBSnPm/g6zd9\n"
    "0aFT/jlrldjnHWbEdjAKBggqhkjOPQQDAgNJADBGAiEAqb1zqub9WvIhDDWEdZ8B\n"
    "jxcvAuj8mhdMvPAw5rRPnD4CIQC/ZSsi7M3A9nHW8U8kaS0h5yAcEUCKv2yeVLht\n"
    "Mg/Heg==\n"
    "-----END CERTIFICATE-----\n";
