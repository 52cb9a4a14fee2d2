/* What cppcheck must know of macros in headers that it does not read. */
#define json_array_foreach(array, index, value)                                \
	for (index = 0; index < json_array_size(array) &&                      \
			(value = json_array_get(array, index));                \
	     index++)
#define json_object_foreach(object, key, value)                                \
	for (key = json_object_iter_key(json_object_iter(object));             \
	     key && (value = json_object_iter_value(                           \
			 json_object_key_to_iter(key)));                       \
	     key = json_object_iter_key(json_object_iter_next(                 \
		 object, json_object_key_to_iter(key))))
#define LIST_HEAD(name, type)                                                  \
	struct name {                                                          \
		struct type *lh_first;                                         \
	}
#define LIST_ENTRY(type)                                                       \
	struct {                                                               \
		struct type *le_next;                                          \
		struct type **le_prev;                                         \
	}
#define LIST_FOREACH(var, head, field)                                         \
	for ((var) = (head)->lh_first; (var); (var) = (var)->field.le_next)
#define TAILQ_HEAD(name, type)                                                 \
	struct name {                                                          \
		struct type *tqh_first;                                        \
		struct type **tqh_last;                                        \
	}
#define TAILQ_ENTRY(type)                                                      \
	struct {                                                               \
		struct type *tqe_next;                                         \
		struct type **tqe_prev;                                        \
	}
#define TAILQ_FOREACH(var, head, field)                                        \
	for ((var) = (head)->tqh_first; (var); (var) = (var)->field.tqe_next)
#define STAILQ_HEAD TAILQ_HEAD
#define STAILQ_ENTRY TAILQ_ENTRY
#define STAILQ_FOREACH TAILQ_FOREACH
#define SLIST_HEAD(name, type)                                                 \
	struct name {                                                          \
		struct type *slh_first;                                        \
	}
#define SLIST_ENTRY(type)                                                      \
	struct {                                                               \
		struct type *sle_next;                                         \
	}
#define SLIST_FOREACH(var, head, field)                                        \
	for ((var) = (head)->slh_first; (var); (var) = (var)->field.sle_next)
