"""The console: pages for a browser, and the HTTP API behind the same rights.

::

    server      the listening socket and uvicorn, in a thread of its own beside the node
    app         puts everything below together
    guard       what holds for every request and response: Host, Origin, bounds, security headers
    access      who may see and do what; sessions and throttle are its parts
    asking      what a request may rely on: the visitor, the form, the desk
    desk        what the console has of the node
    readers     read-only connections to the ledger, with a deadline
    rates       what came lately
    views/      what each page shows, as values; the API gives the same as JSON
    pages       HTML, and pages_quarantine beside it; made by rendering from templates/ and static/
    api         JSON, /healthz, /readyz, /metrics
    thumbnails  pictures of stored images: picture, png, decode

Endpoints are plain functions in a few threads of their own; they read the ledger by connections of their own and
never hold its writer up.
"""
