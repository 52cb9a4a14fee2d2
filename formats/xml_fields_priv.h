/*
 * xml_fields_priv - what the walks over RELAX NG (xml_fields_relaxng.c) and
 * over XML Schema (xml_fields_xsd.c) share: what they tell of elements and
 * attributes.
 */
#pragma once

#include "formats/xml_fields.h"
#include "formats/xml_priv.h"

#define FIELDS_DEPTH_MAX 64
#define FIELDS_STEPS_MAX 100000 /* a schema can say much in few words */

struct walk {
	struct schema_fields *fields;
	const xmlNode *top; /* of the schema */
	const char *rule;   /* of findings: "relaxng", "xsd" */
	const char *file;
	const char *const *lists;
	struct findings *findings;
	struct buf pointer; /* of the value, with stars */
	struct buf names;   /* as in lists */
	char *ns;   /* of the root element; "" for none, NULL before it */
	bool *used; /* of lists */
	int depth;
	int steps;
	bool failed; /* no memory */
};

/* How an element stands in its parent. */
struct place {
	bool repeated; /* may stand more than once */
	bool optional; /* may be missing */
};

/* What an element may hold. */
struct content {
	bool text;
	bool object; /* attributes or elements */
	bool always; /* and one of them always */
};

bool fields_node_is(const xmlNode *node, const char *name);
/* The attribute's text, the caller's; NULL when it is not there. */
char *fields_attribute(const xmlNode *node, const char *name);

/* A step deeper, unless it goes too deep or on for too long: then anything may
 * be here. Every true takes a fields_leave(). */
bool fields_enter(struct walk *walk, const xmlNode *node);
void fields_leave(struct walk *walk);

/* Anything may be in what holds this. */
void fields_open(struct walk *walk, const xmlNode *node);

/*
 * An attribute or element of the element around; ns may be NULL for none. What
 * the element holds is told by look(). The first element is the root.
 */
void fields_attribute_add(struct walk *walk, const xmlNode *node,
    const char *ns, const char *name, struct place place,
    struct content *content);
void fields_element_add(struct walk *walk, const xmlNode *node, const char *ns,
    const char *name, struct place place, struct content *content,
    void (*look)(
	struct walk *walk, const xmlNode *node, struct content *content));

void fields_of_relaxng(struct walk *walk);
void fields_of_xsd(struct walk *walk);
