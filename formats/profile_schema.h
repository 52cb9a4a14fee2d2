/*
 * profile_schema - the schemas that a profile's own files must fit.
 */
#pragma once

extern const char profile_schema_profile[];      /* profile.json */
extern const char profile_schema_presentation[]; /* presentation.json */
