#include "formats/profile_schema.h"

/* The preprocessor turns the JSON between the brackets into a string. */
#define JSON(...) #__VA_ARGS__

/* clang-format off */
const char profile_schema_profile[] = JSON({
	"definitions": {
		"text": {"type": "string", "minLength": 1, "maxLength": 500},
		"file": {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]*$", "maxLength": 100},
		"mediaType": {"type": "string", "pattern": "^[a-z0-9.+-]+/[a-z0-9.+-]+$"},
		"seconds": {"type": "integer", "minimum": 1, "maximum": 3153600000}
	},
	"type": "object",
	"additionalProperties": false,
	"required": ["name", "version", "title", "language", "payload", "attachments", "deadlines", "expirySeconds", "graceSeconds", "unproven"],
	"properties": {
		"name": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,63}$"},
		"version": {"type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+$"},
		"title": {"$ref": "#/definitions/text"},
		"language": {"type": "string", "pattern": "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"},
		"payload": {
			"type": "object",
			"additionalProperties": false,
			"required": ["kind"],
			"properties": {
				"kind": {"enum": ["json", "pdf", "none"]},
				"name": {"$ref": "#/definitions/file"},
				"mediaType": {"$ref": "#/definitions/mediaType"},
				"schema": {"$ref": "#/definitions/file"},
				"presentation": {"$ref": "#/definitions/file"}
			},
			"dependencies": {
				"schema": {"properties": {"kind": {"enum": ["json"]}}},
				"presentation": {"properties": {"kind": {"enum": ["json"]}}}
			},
			"oneOf": [
				{"properties": {"kind": {"enum": ["json"]}}, "required": ["name", "mediaType", "schema", "presentation"]},
				{"properties": {"kind": {"enum": ["pdf"]}}, "required": ["name", "mediaType"]},
				{"properties": {"kind": {"enum": ["none"]}}}
			]
		},
		"attachments": {
			"type": "object",
			"additionalProperties": false,
			"required": ["countMax", "bytesMax", "mediaTypes"],
			"properties": {
				"countMax": {"type": "integer", "minimum": 0, "maximum": 100000},
				"bytesMax": {"type": "integer", "minimum": 1, "maximum": 1099511627776},
				"mediaTypes": {"type": "array", "items": {"$ref": "#/definitions/mediaType"}, "uniqueItems": true},
				"list": {
					"type": "object",
					"additionalProperties": false,
					"required": ["name", "schema", "required", "entries", "fileName", "sha512"],
					"properties": {
						"name": {"$ref": "#/definitions/file"},
						"schema": {"$ref": "#/definitions/file"},
						"required": {"type": "boolean"},
						"entries": {"type": "string", "pattern": "^(/[^/]+)+$"},
						"fileName": {"$ref": "#/definitions/text"},
						"sha512": {"$ref": "#/definitions/text"}
					}
				}
			}
		},
		"deadlines": {
			"type": "array",
			"items": {
				"type": "object",
				"additionalProperties": false,
				"required": ["stage", "severity", "afterSeconds"],
				"properties": {
					"stage": {"enum": ["not-fetched", "not-confirmed"]},
					"severity": {"enum": ["notice", "warning", "critical"]},
					"afterSeconds": {"$ref": "#/definitions/seconds"}
				}
			}
		},
		"expirySeconds": {"$ref": "#/definitions/seconds"},
		"graceSeconds": {"$ref": "#/definitions/seconds"},
		"referenceRequired": {"type": "boolean"},
		"unproven": {"enum": ["mark", "refuse"]}
	}
});

const char profile_schema_presentation[] = JSON({
	"definitions": {
		"text": {"type": "string", "minLength": 1, "maxLength": 500},
		"heading": {"type": "string", "maxLength": 500},
		"pointer": {"type": "string", "pattern": "^(/[^/]*)*$", "maxLength": 250},
		"form": {"enum": ["text", "date", "time", "money", "number", "percent", "account"]},
		"piece": {
			"type": ["object", "string"],
			"pattern": "^(/[^/]*)*$",
			"maxLength": 250,
			"additionalProperties": false,
			"required": ["at"],
			"properties": {
				"at": {"$ref": "#/definitions/pointer"},
				"form": {"$ref": "#/definitions/form"},
				"codes": {"$ref": "#/definitions/text"},
				"before": {"$ref": "#/definitions/text"},
				"after": {"$ref": "#/definitions/text"}
			}
		},
		"lines": {
			"type": "array",
			"minItems": 1,
			"items": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/piece"}}
		},
		"value": {
			"type": "object",
			"additionalProperties": false,
			"properties": {
				"at": {"$ref": "#/definitions/pointer"},
				"lines": {"$ref": "#/definitions/lines"},
				"form": {"$ref": "#/definitions/form"},
				"codes": {"$ref": "#/definitions/text"},
				"before": {"$ref": "#/definitions/text"},
				"after": {"$ref": "#/definitions/text"},
				"row": {"$ref": "#/definitions/text"},
				"text": {"$ref": "#/definitions/text"},
				"head": {"$ref": "#/definitions/text"},
				"note": {"$ref": "#/definitions/piece"}
			},
			"oneOf": [{"required": ["at"]}, {"required": ["lines"]}],
			"dependencies": {"lines": {"not": {"anyOf": [
				{"required": ["form"]}, {"required": ["codes"]},
				{"required": ["before"]}, {"required": ["after"]}
			]}}}
		},
		"content": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/element"}},
		"element": {
			"type": "object",
			"oneOf": [
				{"required": ["row"], "allOf": [{"$ref": "#/definitions/value"}]},
				{"required": ["text"], "not": {"required": ["markdown"]}, "allOf": [{"$ref": "#/definitions/value"}]},
				{
					"required": ["section", "content"],
					"additionalProperties": false,
					"properties": {
						"section": {"$ref": "#/definitions/text"},
						"at": {"$ref": "#/definitions/pointer"},
						"content": {"$ref": "#/definitions/content"}
					}
				},
				{
					"required": ["each", "at", "one", "content"],
					"additionalProperties": false,
					"properties": {
						"each": {"$ref": "#/definitions/heading"},
						"at": {"$ref": "#/definitions/pointer"},
						"one": {"$ref": "#/definitions/text"},
						"title": {"$ref": "#/definitions/value"},
						"content": {"$ref": "#/definitions/content"}
					}
				},
				{
					"required": ["grid", "at", "columns"],
					"additionalProperties": false,
					"properties": {
						"grid": {"$ref": "#/definitions/heading"},
						"at": {"$ref": "#/definitions/pointer"},
						"columns": {
							"type": "array",
							"minItems": 1,
							"maxItems": 8,
							"items": {"required": ["head"], "allOf": [{"$ref": "#/definitions/value"}]}
						}
					}
				},
				{
					"required": ["markdown", "at", "text", "from", "to", "version"],
					"additionalProperties": false,
					"properties": {
						"markdown": {"$ref": "#/definitions/text"},
						"at": {"$ref": "#/definitions/pointer"},
						"text": {"$ref": "#/definitions/pointer"},
						"from": {"$ref": "#/definitions/pointer"},
						"to": {"$ref": "#/definitions/pointer"},
						"version": {"$ref": "#/definitions/pointer"}
					}
				},
				{
					"required": ["envelope"],
					"additionalProperties": false,
					"properties": {"envelope": {"$ref": "#/definitions/text"}}
				},
				{
					"required": ["files"],
					"additionalProperties": false,
					"properties": {"files": {"$ref": "#/definitions/text"}}
				}
			]
		}
	},
	"type": "object",
	"additionalProperties": false,
	"required": ["title", "words", "content"],
	"properties": {
		"title": {"$ref": "#/definitions/text"},
		"words": {
			"type": "object",
			"additionalProperties": false,
			"required": [
				"yes", "no", "empty", "none", "notAnswered", "unknownCode", "other",
				"sender", "recipient", "received", "reference", "message",
				"fileName", "fileSize", "noFiles"
			],
			"properties": {
				"yes": {"$ref": "#/definitions/text"},
				"no": {"$ref": "#/definitions/text"},
				"empty": {"$ref": "#/definitions/text"},
				"none": {"$ref": "#/definitions/text"},
				"notAnswered": {"$ref": "#/definitions/text"},
				"unknownCode": {"$ref": "#/definitions/text"},
				"other": {"$ref": "#/definitions/text"},
				"sender": {"$ref": "#/definitions/text"},
				"recipient": {"$ref": "#/definitions/text"},
				"received": {"$ref": "#/definitions/text"},
				"reference": {"$ref": "#/definitions/text"},
				"message": {"$ref": "#/definitions/text"},
				"fileName": {"$ref": "#/definitions/text"},
				"fileSize": {"$ref": "#/definitions/text"},
				"noFiles": {"$ref": "#/definitions/text"}
			}
		},
		"codes": {
			"type": "object",
			"additionalProperties": {
				"type": "object",
				"minProperties": 1,
				"additionalProperties": {"$ref": "#/definitions/text"}
			}
		},
		"technical": {
			"type": "array",
			"items": {
				"type": "object",
				"additionalProperties": false,
				"required": ["at", "reason"],
				"properties": {
					"at": {"$ref": "#/definitions/pointer"},
					"reason": {"$ref": "#/definitions/text"}
				}
			}
		},
		"content": {"$ref": "#/definitions/content"}
	}
});
/* clang-format on */
