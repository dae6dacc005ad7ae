"""What perception made of a clip, shown on the clip: a video and a page. Both show people as they were filmed.

``people``: words and colours for people. ``canvas``: where the picture lies in a frame of the video. ``drawing``: people
onto a picture. ``film``: the clip, frame by frame. ``facts``: what the page says. ``charts``: lines and bars.
``plates``: the background and where it is a guess. ``page``: the page.
"""
