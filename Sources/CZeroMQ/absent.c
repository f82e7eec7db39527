/* What Debian's libzmq.a asks of other libraries for transports and mechanisms that Jupyter does not have: PGM, NORM and
   GSSAPI. With the archive linked in, they need not be loaded: a dozen libraries, 2 MiB of each idle kernel.

   Nothing here is ever called but for the two functions of PGM by which libzmq begins and ends: the addresses we bind and
   connect to are tcp, ipc and inproc, and a peer that proposes GSSAPI is refused because our sockets have not chosen it.
   Should that change, the program stops here rather than going on with nonsense. docs/adr/0007 */
#ifdef PARLEY_LINKS_LIBZMQ

#define HIDDEN __attribute__((visibility("hidden")))
#define ABSENT(name) \
  HIDDEN void name(void); \
  void name(void) { __builtin_trap(); }
#define BEGINS_OR_ENDS(name) \
  HIDDEN int name(void); \
  int name(void) { return 1; }

BEGINS_OR_ENDS(pgm_init)
BEGINS_OR_ENDS(pgm_shutdown)

ABSENT(NormCreateInstance)
ABSENT(NormCreateSession)
ABSENT(NormDestroyInstance)
ABSENT(NormDestroySession)
ABSENT(NormGetDescriptor)
ABSENT(NormGetNextEvent)
ABSENT(NormGetRandomSessionId)
ABSENT(NormIsUnicastAddress)
ABSENT(NormNodeDelete)
ABSENT(NormObjectGetType)
ABSENT(NormObjectGetUserData)
ABSENT(NormObjectSetUserData)
ABSENT(NormSetCongestionControl)
ABSENT(NormSetDefaultSyncPolicy)
ABSENT(NormSetDefaultUnicastNack)
ABSENT(NormSetLoopback)
ABSENT(NormSetMulticastInterface)
ABSENT(NormSetRxPortReuse)
ABSENT(NormSetTTL)
ABSENT(NormStartReceiver)
ABSENT(NormStartSender)
ABSENT(NormStopInstance)
ABSENT(NormStopReceiver)
ABSENT(NormStopSender)
ABSENT(NormStreamFlush)
ABSENT(NormStreamOpen)
ABSENT(NormStreamRead)
ABSENT(NormStreamSeekMsgStart)
ABSENT(NormStreamWrite)
ABSENT(gss_accept_sec_context)
ABSENT(gss_acquire_cred)
ABSENT(gss_delete_sec_context)
ABSENT(gss_display_name)
ABSENT(gss_import_name)
ABSENT(gss_init_sec_context)
ABSENT(gss_release_buffer)
ABSENT(gss_release_cred)
ABSENT(gss_release_name)
ABSENT(gss_unwrap)
ABSENT(gss_wrap)
ABSENT(pgm_bind3)
ABSENT(pgm_close)
ABSENT(pgm_connect)
ABSENT(pgm_error_free)
ABSENT(pgm_free)
ABSENT(pgm_freeaddrinfo)
ABSENT(pgm_getaddrinfo)
ABSENT(pgm_getsockopt)
ABSENT(pgm_gsi_create_from_data)
ABSENT(pgm_recvmsgv)
ABSENT(pgm_send)
ABSENT(pgm_setsockopt)
ABSENT(pgm_socket)

/* Constants, some of other types than here: only their being there counts. */
#define ABSENT_CONSTANT(name) \
  HIDDEN extern const void *const name; \
  const void *const name = 0;

ABSENT_CONSTANT(GSS_C_NT_HOSTBASED_SERVICE)
ABSENT_CONSTANT(GSS_C_NT_USER_NAME)
ABSENT_CONSTANT(NORM_INSTANCE_INVALID)
ABSENT_CONSTANT(NORM_NODE_ANY)
ABSENT_CONSTANT(NORM_OBJECT_INVALID)
ABSENT_CONSTANT(NORM_SESSION_INVALID)

#endif
