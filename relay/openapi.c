#include "relay/openapi.h"

/* The assembler reads the file where make runs: at the root of the tree. */
__asm__(".section .rodata\n"
	"openapi_begin:\n"
	".incbin \"relay/openapi.json\"\n"
	"openapi_end:\n"
	".previous\n");

extern const uint8_t openapi_begin[] __attribute__((visibility("hidden")));
extern const uint8_t openapi_end[] __attribute__((visibility("hidden")));

struct span
openapi_document(void)
{
	return span_of(openapi_begin, (size_t)(openapi_end - openapi_begin));
}
