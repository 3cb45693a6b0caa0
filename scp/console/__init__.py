"""The console: pages for a browser, and the HTTP API with the same rights.

::

    server      the listening socket and uvicorn, in a thread of its own beside the node
    app         puts everything below together
    guard       what holds for every request and response: Host, Origin, bounds, security headers
    access      who may see and do what; sessions and throttle are its parts
    asking      the dependencies of endpoints: the visitor, the form, the desk
    desk        the parts of the node that the console uses
    readers     read-only connections to the ledger, with a deadline
    rates       what was received in the last minutes
    views/      what each page shows, as values; the API gives the same as JSON
    pages       the HTML pages, without those of pages_quarantine; rendering makes them from templates/ and static/
    api         the API, /healthz, /readyz and /metrics
    thumbnails  small pictures of stored images; picture, png and decode are its parts

Endpoints are plain functions in a few threads of their own. They read the ledger through connections of their own,
and never delay its writer.
"""
