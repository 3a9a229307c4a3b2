window.YTD.direct_messages.part0 = [
  {
    "dmConversation": {
      "conversationId": "1500000000000000001-1500000000000000002",
      "messages": [
        {
          "messageCreate": {
            "id": "9007199254740993",
            "senderId": "1500000000000000001",
            "text": "A &amp; B どっち？ https://t.co/abc",
            "createdAt": "2024-05-01T10:05:00.123Z",
            "mediaUrls": [],
            "urls": [
              {
                "url": "https://t.co/abc",
                "expanded": "https://example.com/x",
                "display": "example.com/x"
              }
            ],
            "reactions": [],
            "recipientId": "1500000000000000002"
          }
        },
        {
          "messageCreate": {
            "id": "9007199254740993",
            "senderId": "1500000000000000002",
            "text": "",
            "createdAt": "2024-05-01T10:04:00.000Z",
            "mediaUrls": [
              "https://example.com/a.jpg"
            ],
            "urls": [],
            "reactions": [],
            "recipientId": "1500000000000000001"
          }
        },
        {
          "messageCreate": {
            "id": "9007199254740993",
            "senderId": "1500000000000000002",
            "text": "DM失礼します",
            "createdAt": "2024-05-01T10:03:00.000Z",
            "mediaUrls": [],
            "urls": [],
            "reactions": [],
            "recipientId": "1500000000000000001"
          }
        }
      ]
    }
  }
];
