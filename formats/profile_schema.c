#include "formats/profile_schema.h"

/* The preprocessor turns the JSON between the brackets into a string. */
#define JSON(...) #__VA_ARGS__

/* clang-format off */
const char profile_schema_profile[] = JSON({
	"$schema": "http://json-schema.org/draft-07/schema#",
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
				"kind": {"enum": ["json", "xml", "pdf", "none"]},
				"name": {"$ref": "#/definitions/file"},
				"mediaType": {"$ref": "#/definitions/mediaType"},
				"schema": {"$ref": "#/definitions/file"},
				"presentation": {"$ref": "#/definitions/file"},
				"lists": {"type": "array", "items": {"type": "string", "pattern": "^(/[^/]+)+$", "maxLength": 250}, "uniqueItems": true},
				"xml": {"type": "boolean"},
				"text": {"type": "boolean"}
			},
			"if": {"properties": {"kind": {"enum": ["json", "xml"]}}},
			"then": {
				"required": ["name", "mediaType", "schema", "presentation"],
				"if": {"properties": {"kind": {"const": "json"}}},
				"then": {"properties": {"lists": false}},
				"else": {"properties": {"xml": false}}
			},
			"else": {
				"properties": {"schema": false, "presentation": false, "lists": false, "xml": false, "text": false},
				"if": {"properties": {"kind": {"const": "pdf"}}},
				"then": {"required": ["name", "mediaType"]}
			}
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
					"required": ["entries", "fileName", "sha512"],
					"properties": {
						"payload": {"const": true},
						"name": {"$ref": "#/definitions/file"},
						"schema": {"$ref": "#/definitions/file"},
						"required": {"type": "boolean"},
						"entries": {"type": "string", "pattern": "^(/[^/]+)+$"},
						"fileName": {"$ref": "#/definitions/text"},
						"sha512": {"$ref": "#/definitions/text"}
					},
					"if": {"required": ["payload"]},
					"then": {"properties": {"name": false, "schema": false, "required": false}},
					"else": {"required": ["name", "schema", "required"]}
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
		"files": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,63}$"},
		"logo": {
			"type": "object",
			"additionalProperties": false,
			"required": ["file", "alternative", "widthMm"],
			"properties": {
				"file": {"type": "string", "pattern": "^[A-Za-z0-9_-]+\\.png$"},
				"alternative": {"type": "string", "minLength": 1, "maxLength": 200},
				"widthMm": {"type": "integer", "minimum": 5, "maximum": 170}
			}
		},
		"minimisation": {
			"type": "array",
			"minItems": 1,
			"maxItems": 20,
			"items": {
				"type": "object",
				"additionalProperties": false,
				"required": ["name", "effect", "reason", "at"],
				"properties": {
					"name": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,63}$"},
					"effect": {"enum": ["report", "strip", "refuse"]},
					"reason": {"type": "string", "minLength": 1, "maxLength": 300},
					"at": {"type": "string", "pattern": "^(/[^/]+)+$", "maxLength": 250},
					"when": {
						"type": "array",
						"minItems": 1,
						"items": {
							"type": "object",
							"additionalProperties": false,
							"required": ["is"],
							"properties": {
								"at": {"type": "string", "pattern": "^(/[^/*]+)*$", "maxLength": 250},
								"anywhere": {"type": "string", "pattern": "^(/[^/]+)+$", "maxLength": 250},
								"is": {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean", "null"]}}
							},
							"oneOf": [{"required": ["at"]}, {"required": ["anywhere"]}]
						}
					},
					"never": {"const": true},
					"only": {"type": "array", "items": {"$ref": "#/definitions/text"}, "uniqueItems": true},
					"months": {"type": "integer", "minimum": 1, "maximum": 1200},
					"date": {"$ref": "#/definitions/text"},
					"until": {"type": "string", "pattern": "^(/[^/*]+)+$", "maxLength": 250}
				},
				"oneOf": [{"required": ["never"]}, {"required": ["only"]}, {"required": ["months"]}],
				"dependencies": {"months": ["date"], "date": ["months"], "until": ["months"]}
			}
		},
		"legalBasis": {
			"type": "array",
			"minItems": 1,
			"items": {
				"type": "object",
				"additionalProperties": false,
				"required": ["law", "section", "purpose"],
				"properties": {
					"law": {"$ref": "#/definitions/text"},
					"section": {"$ref": "#/definitions/text"},
					"purpose": {"$ref": "#/definitions/text"}
				}
			}
		},
		"referenceRequired": {"type": "boolean"},
		"unproven": {"enum": ["mark", "refuse"]}
	}
});

const char profile_schema_presentation[] = JSON({
	"$schema": "http://json-schema.org/draft-07/schema#",
	"definitions": {
		"text": {"type": "string", "minLength": 1, "maxLength": 500},
		"language": {"type": "string", "pattern": "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "maxLength": 35},
		"label": {
			"type": ["string", "object"],
			"minLength": 1,
			"maxLength": 500,
			"minProperties": 1,
			"propertyNames": {"$ref": "#/definitions/language"},
			"additionalProperties": {"type": "string", "minLength": 1, "maxLength": 500}
		},
		"heading": {
			"type": ["string", "object"],
			"maxLength": 500,
			"minProperties": 1,
			"propertyNames": {"$ref": "#/definitions/language"},
			"additionalProperties": {"type": "string", "minLength": 1, "maxLength": 500}
		},
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
				"before": {"$ref": "#/definitions/label"},
				"after": {"$ref": "#/definitions/label"}
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
				"before": {"$ref": "#/definitions/label"},
				"after": {"$ref": "#/definitions/label"},
				"row": {"$ref": "#/definitions/label"},
				"text": {"$ref": "#/definitions/heading"},
				"head": {"$ref": "#/definitions/label"},
				"note": {"$ref": "#/definitions/piece"}
			},
			"oneOf": [{"required": ["at"]}, {"required": ["lines"]}],
			"dependencies": {"lines": {"not": {"anyOf": [
				{"required": ["form"]}, {"required": ["codes"]},
				{"required": ["before"]}, {"required": ["after"]}
			]}}}
		},
		"tests": {
			"type": "array",
			"minItems": 1,
			"items": {
				"type": "object",
				"additionalProperties": false,
				"required": ["at", "is"],
				"properties": {"at": {"$ref": "#/definitions/pointer"}, "is": {"type": ["string", "boolean"]}}
			}
		},
		"content": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/element"}},
		"element": {
			"type": "object",
			"oneOf": [
				{"required": ["row"]},
				{"required": ["text"], "not": {"required": ["markdown"]}},
				{"required": ["section"]},
				{"required": ["each"]},
				{"required": ["grid"]},
				{"required": ["markdown"]},
				{"required": ["envelope"]},
				{"required": ["files"]}
			],
			"allOf": [
				{"if": {"required": ["row"]}, "then": {"$ref": "#/definitions/value"}},
				{
					"if": {"required": ["text"], "not": {"required": ["markdown"]}},
					"then": {"$ref": "#/definitions/value"}
				},
				{"if": {"required": ["section"]}, "then": {
					"required": ["content"],
					"additionalProperties": false,
					"properties": {
						"section": {"$ref": "#/definitions/label"},
						"at": {"$ref": "#/definitions/pointer"},
						"content": {"$ref": "#/definitions/content"}
					}
				}},
				{"if": {"required": ["each"]}, "then": {
					"required": ["at", "one", "content"],
					"additionalProperties": false,
					"properties": {
						"each": {"$ref": "#/definitions/heading"},
						"at": {"$ref": "#/definitions/pointer"},
						"one": {"$ref": "#/definitions/label"},
						"title": {"$ref": "#/definitions/value"},
						"content": {"$ref": "#/definitions/content"},
						"struck": {"$ref": "#/definitions/tests"}
					}
				}},
				{"if": {"required": ["grid"]}, "then": {
					"required": ["at", "columns"],
					"additionalProperties": false,
					"properties": {
						"grid": {"$ref": "#/definitions/heading"},
						"at": {"$ref": "#/definitions/pointer"},
						"columns": {
							"type": "array",
							"minItems": 1,
							"maxItems": 8,
							"items": {"required": ["head"], "allOf": [{"$ref": "#/definitions/value"}]}
						},
						"struck": {"$ref": "#/definitions/tests"}
					}
				}},
				{"if": {"required": ["markdown"]}, "then": {
					"required": ["at", "text", "from", "to", "version"],
					"additionalProperties": false,
					"properties": {
						"markdown": {"$ref": "#/definitions/label"},
						"at": {"$ref": "#/definitions/pointer"},
						"text": {"$ref": "#/definitions/pointer"},
						"from": {"$ref": "#/definitions/pointer"},
						"to": {"$ref": "#/definitions/pointer"},
						"version": {"$ref": "#/definitions/pointer"}
					}
				}},
				{"if": {"required": ["envelope"]}, "then": {
					"additionalProperties": false,
					"properties": {"envelope": {"$ref": "#/definitions/label"}}
				}},
				{"if": {"required": ["files"]}, "then": {
					"additionalProperties": false,
					"properties": {"files": {"$ref": "#/definitions/label"}}
				}}
			]
		}
	},
	"type": "object",
	"additionalProperties": false,
	"required": ["title", "words", "content"],
	"properties": {
		"languages": {"type": "array", "minItems": 1, "maxItems": 16, "uniqueItems": true, "items": {"$ref": "#/definitions/language"}},
		"title": {"$ref": "#/definitions/label"},
		"words": {
			"type": "object",
			"additionalProperties": false,
			"required": [
				"yes", "no", "empty", "none", "notAnswered", "unknownCode", "other",
				"sender", "recipient", "received", "reference", "message",
				"fileName", "fileSize", "noFiles"
			],
			"properties": {
				"yes": {"$ref": "#/definitions/label"},
				"no": {"$ref": "#/definitions/label"},
				"empty": {"$ref": "#/definitions/label"},
				"none": {"$ref": "#/definitions/label"},
				"notAnswered": {"$ref": "#/definitions/label"},
				"unknownCode": {"$ref": "#/definitions/label"},
				"other": {"$ref": "#/definitions/label"},
				"sender": {"$ref": "#/definitions/label"},
				"recipient": {"$ref": "#/definitions/label"},
				"received": {"$ref": "#/definitions/label"},
				"reference": {"$ref": "#/definitions/label"},
				"message": {"$ref": "#/definitions/label"},
				"fileName": {"$ref": "#/definitions/label"},
				"fileSize": {"$ref": "#/definitions/label"},
				"noFiles": {"$ref": "#/definitions/label"},
				"fallback": {"$ref": "#/definitions/label"}
			}
		},
		"codes": {
			"type": "object",
			"additionalProperties": {
				"type": "object",
				"minProperties": 1,
				"additionalProperties": {"$ref": "#/definitions/label"}
			}
		},
		"openCodes": {"type": "array", "items": {"$ref": "#/definitions/text"}},
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
